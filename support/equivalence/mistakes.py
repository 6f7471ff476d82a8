"""False friends: the traps between frameworks, and runs that walk into them on purpose.

A mistake is a registry entry: edits to a copy of a notebook, which then goes through a parity
check. It must be caught; its record says by which figure and how large the error was.
"""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from support.basics.errors import UsageError
from support.basics.paths import PRIVATE
from support.equivalence.parity import ParityJob, in_words
from support.execution.jobs import Job
from support.execution.settings import Settings
from support.records.store import Record
from support.registry import Framework
from support.registry.reading import tomllib

TRAPS = Path(__file__).with_name("false_friends.toml")


@dataclass(frozen=True)
class MistakeJob(ParityJob):
    """A parity check of a notebook with a mistake; its record fails unless the check does."""

    number: int = 0  # of the framework's mistakes

    @property
    def mistake(self) -> dict:
        return self.framework.mistakes[self.number]

    @property
    def purpose(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.mistake["title"].lower()).strip("-")

    @property
    def column(self) -> str:
        return f"{self.model} {self.mistake['title']}"

    @property
    def folder(self) -> Path:
        return self.settings.folder / "mistakes"

    @property
    def notebook(self) -> Path:
        """A copy with the mistake, made when first asked for."""
        return _mistaken(
            self.framework.notebook(self.model),
            PRIVATE / "mistakes" / f"{self.key.stem}.ipynb",
            tuple(map(tuple, self.mistake["edits"])),
        )

    def _learning_problem(self, report: Record, exchange: Path) -> str:
        return ""

    def find_problem(self, report: Record, exchange: Path) -> str:
        problem = super().find_problem(report, exchange)
        caught = [c["check"] for c in report["checks"] if not c["passed"]]
        report["mistake"] = {name: self.mistake[name] for name in ("title", "trap")}
        report["status"] = "ok" if caught else "failed"
        report["reason"] = "" if caught else "the mistake was not caught"
        return problem

    def headline(self, report: Record) -> str:
        return "caught by " + ", ".join(
            f"{c['check']} {in_words(c)}" for c in report["checks"] if not c["passed"]
        )


def jobs(pairs: Iterable[tuple[Framework, str]], settings: Settings) -> list[Job]:
    """The mistakes of these (framework, model) pairs."""
    return [
        MistakeJob(framework, model, settings, check=mistake["check"], number=number)
        for framework, model in pairs
        for number, mistake in enumerate(framework.mistakes)
        if mistake["model"] == model
    ]


@functools.lru_cache
def traps() -> dict[str, Any]:
    """Trap -> title, text and options, in the order of the file."""
    return tomllib.loads(TRAPS.read_text(encoding="utf-8"))


def convention(framework: Framework, trap: str) -> str | None:
    """The option of the trap that holds in the framework; None if its entry does not say."""
    if trap == "gru_kind":
        return framework.gru or None
    return framework.conventions.get(trap)


@functools.lru_cache
def _mistaken(
    path: Path, target: Path, edits: tuple[tuple[str, str, str], ...]
) -> Path:
    """Write a copy of a notebook with edits, (tag, old, new) each; returns its path."""
    notebook = nbformat.read(path, as_version=4)
    for tag, old, new in edits:
        cells = [c for c in notebook.cells if c.metadata.get("tags") == [tag]]
        found = sum(cell.source.count(old) for cell in cells)
        if not found:
            raise UsageError(f"{path.name} has no '{old}' in its cell '{tag}'")
        for cell in cells:
            cell.source = cell.source.replace(old, new)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return target
