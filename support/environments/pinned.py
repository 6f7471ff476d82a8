"""Environments made from pins, with uv, under .rosetta alone.

One that is complete carries a stamp with the digest of all it was made from, and is used again
until that changes.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from common.files import write_json
from support.basics import digests, locks
from support.basics.errors import ENVIRONMENT, NotPossible, Obstacle
from support.basics.paths import CACHES, ENVIRONMENTS, ROOT
from support.environments import interpreters, system, uv
from support.environments.base import Environment, Say
from support.registry import EnvironmentEntry, Framework

PINNED = re.compile(
    r"^[\w.-]+(?:\[.*?\])?==[^\\\n]*", re.M
)  # a version, without its hashes

OLDEST_UNIVERSAL = (3, 10)  # packages for older Pythons exist for one platform


@dataclass(frozen=True)
class Pinned(Environment):
    """The environment of a registry entry; `variant` is "cpu" or "gpu"."""

    entry: EnvironmentEntry
    variant: str

    kind = "pinned"
    preparing = "making environment"

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.entry.name

    @property
    def _slug(self) -> str:
        return f"{self.entry.name}-{self.variant}"

    @property
    def _pins(self) -> Path:
        return self.entry.pins(self.variant)

    @property
    def command(self) -> list[str]:
        return [f"{self.folder}/bin/python"]

    @property
    def probe_command(self) -> list[str]:
        return [*self.command, "-I"]  # isolated, as its kernels are

    @property
    def folder(self) -> str:
        return str(ENVIRONMENTS / self._slug)

    @property
    def caches(self) -> Path:
        return CACHES / self._slug

    @property
    def digest(self) -> str:
        """Of the pinned versions, of other languages' pins, the interpreter and the finishing script."""
        there = self._pins.exists()
        pins = PINNED.findall(self._pins.read_text(encoding="utf-8")) if there else []
        others = sorted(self.entry.folder.glob("*.toml"))
        files = [path for path in others if path.name != "environment.toml"]
        files += [self.entry.finish] if self.entry.finish else []
        texts = [path.read_text(encoding="utf-8") for path in files]
        return digests.of_parts(self.entry.python, *pins, *texts)

    @property
    def is_ready(self) -> bool:
        stamp = _read(ENVIRONMENTS / f"{self._slug}.json")
        return stamp.get("digest") == self.digest and Path(*self.command).exists()

    @property
    def _starts(self) -> bool:
        """Whether its Python starts and has what a kernel needs; parts of it may be gone."""
        wanted = [name for name in ("numpy", "ipykernel") if name in self.packages()]
        command = [*self.probe_command, "-c", f"import {', '.join(wanted) or 'sys'}"]
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except OSError:
            return False

    def packages(self) -> dict[str, str]:
        """Those that its .in file names: the lock has the others."""
        source = self._pins.with_suffix(".in").read_text(encoding="utf-8")
        names = re.findall(r"^[\w.-]+", source, re.M)
        folders = map(str, Path(self.folder).glob("lib/python*/site-packages"))
        found = {
            distribution.metadata["Name"].lower(): distribution.version
            for distribution in metadata.distributions(path=list(folders))
            if distribution.metadata["Name"]
        }
        return {name: found[name] for name in sorted(names) if name in found}

    def obstacle(self, framework: Framework) -> Obstacle | None:
        if not self._pins.exists():
            return self._no_pins()
        if self.is_ready:
            return None
        entry = self.entry
        quick_to_tell = entry.check and not shutil.which(entry.check[0])
        lacking = quick_to_tell and system.lacks(entry.needs, entry.check, entry.debian)
        if lacking:
            return Obstacle(ENVIRONMENT, f"needs {lacking}")
        failure = _read(self._failure)
        if failure.get("digest") != self.digest:
            return None
        if not interpreters.obtainable(entry.python):
            return Obstacle(ENVIRONMENT, f"needs Python {entry.python}")
        return Obstacle(ENVIRONMENT, str(failure.get("reason", "could not be made")))

    def lacks(self) -> str:
        """In words, what the machine lacks for it and nobody can provide here; "" if nothing."""
        return system.lacks(self.entry.needs, self.entry.check, self.entry.debian)

    def _no_pins(self) -> Obstacle:
        why = self.entry.gpu if self.variant == "gpu" else self._pins.name
        return Obstacle(ENVIRONMENT, f"there are no pins for {self.variant} ({why})")

    @property
    def _failure(self) -> Path:
        return ENVIRONMENTS / f"{self._slug}.failed.json"

    def prepare(self, say: Say) -> None:
        if not self._pins.exists():
            raise NotPossible(self._no_pins().text, lacking=True)
        if self.is_ready and self._starts:
            return
        stamp = ENVIRONMENTS / f"{self._slug}.json"
        with locks.held(
            ENVIRONMENTS / f"{self._slug}.lock", say, f"environment {self.name}"
        ):
            if self.is_ready and self._starts:  # another run has just made it
                return
            stamp.unlink(missing_ok=True)
            made_from = {"digest": self.digest}
            try:
                self._make()
                if not self._starts:
                    raise NotPossible(f"{self._slug} was made, but does not start")
            except NotPossible as error:
                write_json(self._failure, {**made_from, "reason": error.reason})
                raise
            self._failure.unlink(missing_ok=True)
            write_json(stamp, made_from)

    def _make(self) -> None:
        entry = self.entry
        system.provide(entry.needs, entry.check, entry.debian)
        interpreter = interpreters.find(entry.python, uv.path())
        uv.run("venv", "--quiet", "--clear", "--python", interpreter, self.folder)
        install = ["--python", self.command[0], "--require-hashes"]
        install += ["--requirements", _relative(self._pins)]
        index = entry.index.get(self.variant)
        try:
            uv.install(*install)
        except NotPossible as error:
            if not index:
                raise
            try:  # hashes say which files are meant, whichever index has them
                uv.install(
                    *install, "--index", index, "--index-strategy", "unsafe-best-match"
                )
            except NotPossible as second:
                reason = f"{error.reason}; and from {index}: {second.reason}"
                raise NotPossible(reason, error.remedy) from None
        if entry.finish:
            self.caches.mkdir(parents=True, exist_ok=True)
            command = [*self.probe_command, _relative(entry.finish)]
            uv.run_step(command, ROSETTA_CACHES=str(self.caches))

    def kernel_variables(self) -> dict[str, str]:
        """Isolation: the settings of the caller's Python have no effect here."""
        return {"PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}

    def lock(self) -> None:
        """Resolve the variant's .in file into its pins. Raises NotPossible."""
        version = self.entry.python
        if tuple(map(int, version.split("."))) >= OLDEST_UNIVERSAL:
            scope = ["--universal"]
        else:  # what exists for one platform and one Python, whose wheels may be as old as it
            scope = ["--python-platform", "x86_64-unknown-linux-gnu"]
            # what must be built to tell its requirements may not build on a newer Python
            scope += ["--python", interpreters.find(version, uv.path())]
        lock(self._pins.with_suffix(".in"), version, *scope)


def lock(source: Path, version: str, *options: str) -> None:
    """Resolve requirements into the .txt file beside them, with the hash of every file."""
    command = ["pip", "compile", "--quiet", "--upgrade", "--no-header", *options]
    command += ["--generate-hashes", "--no-annotate"]
    command += [
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--python-version",
        version,
    ]
    target = source.with_suffix(".txt")
    uv.run(*command, _relative(source), "--output-file", _relative(target))


def lock_runner() -> None:
    """Resolve the runner's own requirements, the tests' and those of clusters, with hashes, as pip
    will install them."""
    for folder in ("support", "tests", "support/cluster"):
        lock(ROOT / folder / "requirements.in", "3.10", "--universal")


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _read(path: Path) -> dict[str, Any]:
    """A stamp's content; {} where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
