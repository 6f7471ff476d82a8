"""Run uv, which makes environments and resolves pins, with the settings that pip would have."""

import ast
import contextlib
import functools
import os
import re
import shlex
import subprocess
import sys

from support.basics.errors import NotPossible
from support.basics.paths import ROOT
from support.basics.processes import end_tree, surroundings

# uv has names of its own for pip's settings; those of an extra index come from variables alone, as
# uv asks such an index first and no other for what it has.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "trusted-host": "UV_INSECURE_HOST",
}


def path() -> str:
    """The path of uv, which is among the runner's own pins."""
    import uv

    return uv.find_uv_bin()


def run(*arguments: str) -> None:
    """Run uv in the repository's root. Raises NotPossible with the line that names the cause."""
    run_step([path(), *arguments])


def install(*arguments: str) -> None:
    """Run `uv pip install`, as `run` does; from a folder of wheels alone where pip is set to."""
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
    found = {**os.environ, **surroundings()}
    if "PIP_EXTRA_INDEX_URL" in found:
        found.setdefault("UV_INDEX", found["PIP_EXTRA_INDEX_URL"])
    for pip, uv in PIP_TO_UV.items():
        variable = "PIP_" + pip.upper().replace("-", "_")
        value = found.get(variable) or _pip_settings().get(pip)
        if value:  # pip separates by spaces, uv by commas where it does
            separator = "," if uv == "UV_FIND_LINKS" else " "
            found.setdefault(uv, separator.join(value.split()))
    return found


@functools.cache
def _pip_settings() -> dict[str, str]:
    """What pip's configuration files say, by name; {} if there are none, or no pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True)
    settings = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        with contextlib.suppress(ValueError, SyntaxError):
            settings[key.rpartition(".")[2]] = str(ast.literal_eval(value))
    return settings


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
