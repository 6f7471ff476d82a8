"""Traps: the false friends with what missing them costs, measured, the costliest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from support.basics.numbers import percent
from support.equivalence import mistakes as planted
from support.publish import sources
from support.publish.table import Table
from support.publish.views import proofs
from support.registry import Framework

NOTHING = (
    0.01  # a change of accuracy below which weights forced in are said to cost nothing
)


@dataclass(frozen=True)
class Mistake:
    """A run that walked into a trap on purpose; `error` is the largest that a check found."""

    title: str
    framework: str
    model: str
    caught: str
    error: float


@dataclass(frozen=True)
class Trap:
    """What looks alike and is not. `mistakes` and `forced` are what missing it costs."""

    key: str
    title: str
    text: str
    places: tuple[str, ...]  # "<model>/<tag>" of the cells where one meets it
    choices: dict[str, str]
    mistakes: tuple[Mistake, ...]
    forced: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        return self.key.replace("_", "-")

    @property
    def worst(self) -> Mistake | None:
        """The mistake with the largest error; None where none was made."""
        return max(self.mistakes, key=lambda one: one.error, default=None)

    @property
    def cost(self) -> float:
        """The largest relative error that missing it made; 0 where it was not measured."""
        return self.worst.error if self.worst else 0.0

    @property
    def cost_text(self) -> str:
        """The cost in words."""
        worst = self.worst
        if not worst:
            return "not measured"
        if worst.error == float("inf"):
            return "diverges"
        return f"error {percent(worst.error)}"

    @property
    def options(self) -> Table:
        """Which frameworks do what."""
        return proofs.options(self.key)

    def option(self, frameworks: Iterable[Framework]) -> str:
        """The option of the first of these frameworks that has one; "" if none has."""
        options = (planted.convention(framework, self.key) for framework in frameworks)
        return next(filter(None, options), "")

    def choice(self, frameworks: Iterable[Framework]) -> str:
        """That option in words."""
        return self.choices.get(self.option(frameworks), "")


def traps() -> list[Trap]:
    """All traps, the costliest first; those that were not measured last, in the file's order."""
    made = _mistakes()
    found = [
        Trap(
            key,
            trap["title"],
            trap["text"],
            tuple(trap["places"]),
            trap["options"],
            tuple(mistake for about, mistake in made if about == key),
            tuple(_forced()) if key == "gru_kind" else (),
        )
        for key, trap in planted.traps().items()
    ]
    return sorted(found, key=lambda trap: -trap.cost)


def _mistakes() -> list[tuple[str, Mistake]]:
    """(trap, mistake) of all that were caught; where several machines made one, the newest."""
    tables = [sources.runs(folder) for folder in sources.folders("mistakes")]
    records = [
        run.record
        for runs in tables
        for run in runs[runs.ok].itertuples()
        if "mistake" in run.record
    ]
    newest = {
        (record["framework"], record["model"], record["mistake"]["title"]): record
        for record in sorted(records, key=lambda record: record["date"])
    }
    made = [newest[same] for same in sorted(newest)]
    return [(record["mistake"]["trap"], _mistake(record)) for record in made]


def _mistake(record: dict[str, Any]) -> Mistake:
    errors = [
        float("inf") if check["error"] is None else float(check["error"])
        for check in record["checks"]
        if not check["passed"]
    ]
    return Mistake(
        record["mistake"]["title"],
        record["framework"],
        record["model"],
        proofs.caught(record),
        max(errors, default=0.0),
    )


def _forced() -> list[str]:
    """What forcing weights into another kind of GRU cost; where it cost nothing, in one sentence."""
    frames = [
        proofs.pairs(sources.runs(folder)) for folder in sources.folders("transfer")
    ]
    pairs = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if not len(pairs):
        return []
    pairs = pairs[(pairs.obstacle != "") & (pairs.data == "real")]
    lost = pairs.accuracy_there - pairs.accuracy_here
    costly, cheap = pairs[lost.abs() >= NOTHING], pairs[lost.abs() < NOTHING]
    said = [
        f"{pair.source[1]}'s weights forced into {pair.label} on IMDB: accuracy "
        f"{pair.accuracy_there:.1%} becomes {pair.accuracy_here:.1%}; "
        f"{pair.agreement:.1%} of the reviews are classified alike."
        for pair in costly.itertuples()
    ]
    if len(cheap):
        change = lost[cheap.index].abs().max()
        said.append(
            f"Weights forced from one kind into another on IMDB, {len(cheap)} pairs of "
            f"frameworks: accuracy changes by {change:.1%} at most, and at least "
            f"{cheap.agreement.min():.1%} of the reviews are classified alike."
        )
    return said
