"""False friends: the traps between frameworks, and runs that walk into them on purpose.

A mistake is a registry entry: edits to a copy of a notebook, which then goes through a parity
check. It must be caught; its record says by which figure and how large the error was.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import nbformat

from support import records
from support.errors import UsageError
from support.paths import PRIVATE, RESULTS
from support.registry import tomllib
from support.sameness.parity import ParityJob, told

TRAPS = Path(__file__).with_name("false_friends.toml")


@dataclass(frozen=True)
class MistakeJob(ParityJob):
    """A parity check of a notebook with a mistake; its record fails unless the check does."""

    number: int = 0  # of the framework's mistakes

    @property
    def mistake(self):
        return self.framework.mistakes[self.number]

    @property
    def column(self):
        return f"{self.model} {self.mistake['title']}"

    @property
    def folder(self):
        return self.settings.machine_folder / "mistakes"

    @property
    def stem(self):
        title = "-".join(
            "".join(
                c if c.isascii() and c.isalnum() else " " for c in self.mistake["title"]
            ).split()
        )
        return f"{self.framework.key}_{self.model}_{title.lower()}"

    @property
    def notebook(self):
        """A copy with the mistake, made when first asked for."""
        return _mistaken(
            self.framework.notebook(self.model),
            PRIVATE / "mistakes" / f"{self.stem}.ipynb",
            tuple(map(tuple, self.mistake["edits"])),
        )

    def doubt(self, report):
        return ""

    def judge(self, report, exchange):
        problem = super().judge(report, exchange)
        caught = [c["check"] for c in report["checks"] if not c["passed"]]
        report["mistake"] = {name: self.mistake[name] for name in ("title", "trap")}
        report["status"] = "ok" if caught else "failed"
        report["reason"] = "" if caught else "the mistake was not caught"
        return problem

    def headline(self, report):
        return "caught by " + ", ".join(
            f"{c['check']} {told(c)}" for c in report["checks"] if not c["passed"]
        )


def jobs(pairs, settings):
    """The mistakes of these (framework, model) pairs."""
    return [
        MistakeJob(framework, model, settings, check=mistake["check"], number=number)
        for framework, model in pairs
        for number, mistake in enumerate(framework.mistakes)
        if mistake["model"] == model
    ]


@functools.lru_cache
def traps():
    """Trap -> title, text and options, in the order of the file."""
    return tomllib.loads(TRAPS.read_text(encoding="utf-8"))


def convention(framework, trap):
    """The option of the trap that holds in the framework; None if its entry does not say."""
    return framework.gru if trap == "gru_kind" else framework.conventions.get(trap)


def read_all():
    """Trap -> records of mistakes that were caught, of the first machine that has any."""
    for folder in sorted(RESULTS.glob("*/mistakes")):
        found = {}
        for record in records.read_all(folder):
            if record["status"] == "ok":
                found.setdefault(record["mistake"]["trap"], []).append(record)
        if found:
            return found
    return {}


@functools.lru_cache
def _mistaken(path, target, edits):
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
