"""Run uv, which makes environments and resolves pins, with the settings that pip would have."""

import functools
import os
import re
import shlex
import subprocess
import sys

from support.basics.errors import NotPossible
from support.basics.paths import PRIVATE, ROOT
from support.basics.processes import end_tree

# uv has names of its own for pip's settings.
PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
}


def path() -> str:
    """The path of uv, which is among the runner's own pins."""
    import uv

    return uv.find_uv_bin()


def run(*arguments: str) -> None:
    """Run uv in the repository's root. Raises NotPossible with the line that names the cause."""
    run_step([path(), *arguments])


def install(*arguments: str) -> None:
    """Run `uv pip install`, as `run` does; from a folder of wheels alone where pip is told so."""
    no_index = os.environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on")
    offline = ["--no-index"] if no_index else []
    run("pip", "install", "--quiet", *offline, *arguments)


def run_step(command: list[str], **variables: str) -> None:
    """Run a step of making an environment, as `run` does, with more environment variables."""
    try:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**settings(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches us alone, who end it with all it started
        )
    except OSError as error:
        raise NotPossible(
            f"{command[0]}: {error.strerror}", shlex.join(command)
        ) from None
    try:
        output, errors = process.communicate()
    except BaseException:
        end_tree(process.pid)
        raise
    if process.returncode:
        raise NotPossible(cause(errors or output), shlex.join(command))


def settings() -> dict[str, str]:
    """The environment variables for uv: this process's, with pip's settings translated."""
    found = dict(os.environ)
    if "HOME" not in found:  # uv keeps its downloads there
        found.setdefault("UV_CACHE_DIR", str(PRIVATE / "uv"))
    links = found.get("PIP_FIND_LINKS") or _pip_setting("find-links")
    if links:  # pip separates by spaces, uv by commas
        found.setdefault("UV_FIND_LINKS", ",".join(links.split()))
    for pip, uv in PIP_TO_UV.items():
        if pip in found:
            found.setdefault(uv, found[pip])
    return found


@functools.lru_cache
def _pip_setting(name: str) -> str:
    """A value of pip's configuration files; "" if there is none, or no pip."""
    command = [sys.executable, "-I", "-m", "pip", "config", "get", f"global.{name}"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def cause(output: str) -> str:
    """The telling line of a tool's error message: uv's first and last cause, or what says error."""
    lines = [line.strip() for line in output.strip().splitlines() if line.strip()]
    causes = [
        line.removeprefix("cause: ") for line in lines if line.startswith("cause: ")
    ]
    if causes:
        return ": ".join(dict.fromkeys([causes[0], causes[-1]]))[:400]
    telling = [
        line for line in lines if re.search("error|cannot|fail|space", line, re.I)
    ]
    return (telling or lines or ["no message"])[-1][:400]
