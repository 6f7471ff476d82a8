"""An environment that is there already, used as it is. Nothing is ever written into it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import registry
from support.basics import digests, locks
from support.basics.errors import ENVIRONMENT, Obstacle, UsageError
from support.basics.paths import CACHES, PRIVATE, ROOT
from support.environments import uv
from support.environments.base import Environment, Say
from support.registry import Framework

PROBE = Path(__file__).with_name("probe.py")
TIMEOUT = (
    300  # seconds; a container's first start on a cluster's file system takes its time
)
ALWAYS = ("numpy", "ipykernel")  # which every notebook needs
REQUIREMENT = re.compile(r"([\w.]+)(.*)")  # "keras>=3": a module and its limits


@dataclass(frozen=True)
class Installed(Environment):
    """The Python that `words` start, such as ("apptainer", "exec", "--nv", "image.sif", "python")."""

    words: tuple[str, ...]

    kind = "installed"
    preparing = "fetching ipykernel, to be lent to"

    @classmethod
    def of(cls, command: str, option: str = "--python") -> Installed:
        """The environment of a command as users write it. Raises UsageError if it does not start."""
        try:
            words = shlex.split(command)
        except ValueError as error:  # a quotation that does not end
            raise UsageError(f"{option}: {command}: {error}") from None
        found = shutil.which(words[0]) if words else None
        if not found:
            raise UsageError(f"{option}: there is no program '{command}'")
        # notebooks run in a folder of their own, where relative paths lead nowhere
        others = (os.path.abspath(w) if os.path.exists(w) else w for w in words[1:])
        environment = cls((os.path.abspath(found), *others))
        version = environment.probed["version"]
        if tuple(map(int, version.split(".")[:2])) < (3, 6):
            raise UsageError(
                f"{option}: Python {version} is too old; 3.6 is the oldest"
            )
        return environment

    @property
    def probed(self) -> dict[str, Any]:
        """What its Python says of itself, see probe.py."""
        return _probe(self.words)

    @property
    def name(self) -> str:  # type: ignore[override]
        return "Python " + ".".join(self.probed["version"].split(".")[:2])

    @property
    def command(self) -> list[str]:
        return list(self.words)

    @property
    def folder(self) -> str:
        return self.probed["prefix"]

    @property
    def caches(self) -> Path:
        return CACHES / f"installed-{digests.of_parts(*self.words)}"

    @property
    def digest(self) -> str:
        return digests.of_json([self.probed["version"], self.packages()])

    def packages(self) -> dict[str, str]:
        return dict(sorted(self.probed["packages"].items()))

    def obstacle(self, framework: Framework) -> Obstacle | None:
        if not framework.imports:
            reason = f"{framework.label} runs in the environment of its pins only"
            return Obstacle(ENVIRONMENT, reason)
        for requirement in ("numpy", *framework.imports):
            lacking = self._lacking(requirement)
            if lacking:
                return Obstacle(ENVIRONMENT, f"{lacking} in {shlex.join(self.words)}")
        return None

    def _lacking(self, requirement: str) -> str:
        """In words, what this Python lacks of a requirement ("keras>=3"); "" if nothing."""
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion, Version

        module, limits = REQUIREMENT.fullmatch(requirement).groups()  # type: ignore[union-attr]
        version = self.probed["modules"].get(module)
        if version is None:
            return f"there is no module {module}"
        with contextlib.suppress(
            InvalidVersion
        ):  # such as none: nothing is known of it
            if Version(version) not in SpecifierSet(limits, prereleases=True):
                return f"{module} is {version}, and {limits} is needed,"
        return ""

    @property
    def _overlay(self) -> Path | None:
        """The folder that lends ipykernel to a Python that has none; None if it has its own."""
        if "ipykernel" in self.probed["modules"]:
            return None
        tag = digests.of_json([self.probed["version"], self.probed["libc"]])
        return PRIVATE / "overlays" / tag

    @property
    def is_ready(self) -> bool:
        return self._overlay is None or (self._overlay / "ipykernel").is_dir()

    def prepare(self, say: Say) -> None:
        overlay = self._overlay
        if overlay is None or self.is_ready:
            return
        with locks.held(overlay.with_name(overlay.name + ".lock"), say):
            if self.is_ready:  # another run has just made it
                return
            fresh = overlay.with_name(overlay.name + ".fresh")
            shutil.rmtree(fresh, ignore_errors=True)
            uv.install(*self._platform(), "--target", str(fresh))
            fresh.rename(overlay)

    def _platform(self) -> list[str]:
        """Options of uv pip install that make it choose ipykernel's wheels for this Python."""
        version = self.probed["version"]
        options = ["--python", sys.executable, "--python-version", version]
        if os.uname().sysname == "Linux":
            libc = re.findall(r"\d+", self.probed["libc"])
            wheels = _manylinux(tuple(map(int, libc[:2])))
            options += ["--python-platform", f"{os.uname().machine}-{wheels}"]
        if tuple(map(int, version.split(".")[:2])) >= (3, 10):
            options += ["--constraints", "support/requirements.txt"]
        return [*options, "ipykernel"]

    def kernel_variables(self) -> dict[str, str]:
        """The caller's own settings of Python, which the runner keeps from itself."""
        caller = {n: os.environ.get(n, "") for n in ("PYTHONPATH", "PYTHONNOUSERSITE")}
        if os.environ.get(
            "PYTHONHOME"
        ):  # an empty one keeps an old Python from starting
            caller["PYTHONHOME"] = os.environ["PYTHONHOME"]
        overlay = {"ROSETTA_OVERLAY": str(self._overlay)} if self._overlay else {}
        return {**caller, "PYTHONDONTWRITEBYTECODE": "1", **overlay}


def _manylinux(libc: tuple[int, ...]) -> str:
    """uv's name of the newest platform whose wheels run with this version of glibc."""
    if libc >= (2, 31):
        return f"manylinux_2_{min(libc[1], 40)}"
    return "manylinux_2_28" if libc >= (2, 28) else "manylinux2014"


@functools.cache
def _probe(words: tuple[str, ...]) -> dict[str, Any]:
    """What the Python says. Raises UsageError with its own last line if it does not answer."""
    required = {r for f in registry.frameworks().values() for r in f.imports}
    modules = {REQUIREMENT.sub(r"\1", requirement) for requirement in required}
    code = PROBE.read_text(encoding="utf-8")
    shown = shlex.join(words)
    try:
        done = _run([*words, "-c", code, *sorted(modules), *ALWAYS])
    except subprocess.TimeoutExpired:
        raise UsageError(f"{shown} did not answer within {TIMEOUT} seconds") from None
    except OSError as error:
        raise UsageError(f"{shown} does not start: {error.strerror}") from None
    with contextlib.suppress(IndexError, ValueError):
        # what a site's start-up or a container says comes before
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        if isinstance(answer, dict):
            return answer
    lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
    raise UsageError(f"{shown} is no Python that answers: {lines[-1]}")


def _run(command: list[str]) -> subprocess.CompletedProcess:
    variables = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT,
    )
