"""What there is to run: a job is one notebook with its settings, and knows where its results go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from common.params import LEARNED, PROOF_EPOCHS, QUICK, QUICK_EXAMPLES
from support.basics import digests, precisions
from support.basics.errors import NOTEBOOK, PRECISION, Obstacle
from support.environments import Environment
from support.execution.settings import Settings
from support.records import inputs, store
from support.records.key import PROTOCOL_EPOCHS, RunKey
from support.records.store import Record
from support.registry import Framework

DONE, STALE, FAILED, READY, BLOCKED = "done", "stale", "failed", "ready", "blocked"


@dataclass(frozen=True)
class State:
    """How things stand with a job: one of the kinds above, and the reason where it is BLOCKED."""

    kind: str
    text: str = ""

    def __str__(self) -> str:
        return self.text if self.kind == BLOCKED else self.kind


@dataclass(frozen=True)
class Job:
    """One notebook to be run for the `repeat`-th time (from 1) with these settings.

    Other purposes than timing are subclasses: what they give to the notebook and how they judge
    what comes back.
    """

    framework: Framework
    model: str
    settings: Settings
    repeat: int = 1

    exchanges: ClassVar[bool] = False  # whether weights and outputs pass to and fro
    keeps_notebook: ClassVar[bool] = True  # whether the executed notebook is kept

    @property
    def purpose(self) -> str:
        """What it is for, as records say; see RunKey."""
        return "run"

    @property
    def evaluations(self) -> int:
        """How often `weights`, `evaluate` and `report` are executed."""
        return 1

    @property
    def column(self) -> str:
        """Its heading where frameworks are rows."""
        return self.model

    @property
    def name(self) -> str:
        return f"{self.framework.key} {self.column}"

    @property
    def timed(self) -> bool:
        """Whether its time counts: not on generated data, nor where weights pass to and fro."""
        return self.settings.data == "real" and not self.exchanges

    @property
    def environment(self) -> Environment:
        return self.settings.environment(self.framework)

    @property
    def key(self) -> RunKey:
        return RunKey(
            self.framework.key,
            self.model,
            self.epochs,
            self.settings.precision,
            self.settings.data,
            self.settings.examples,
            self.environment.kind,
            self.framework.tuned,
            self.purpose,
            self.repeat,
        )

    @property
    def folder(self) -> Path:
        """Where the results are kept; those on generated data apart."""
        quick = self.settings.data == "quick"
        return self.settings.folder / "quick" if quick else self.settings.folder

    @property
    def notebook(self) -> Path:
        """The path of what is executed."""
        return self.framework.notebook(self.model)

    @property
    def is_quick(self) -> bool:
        """Whether it only shows that an installation works: proofs on generated data do more."""
        return self.settings.data == "quick" and not self.exchanges

    @property
    def examples(self) -> int | None:
        """How many examples an epoch has, or are predicted; None means all."""
        usual = QUICK_EXAMPLES[self.model] if self.is_quick else None
        return self.settings.examples or usual

    @property
    def epochs(self) -> int | None:
        """Epochs of training; None for inference."""
        if self.model not in PROTOCOL_EPOCHS:
            return None
        if self.settings.epochs:
            return self.settings.epochs
        if self.is_quick:
            return QUICK[self.model]["EPOCHS"]
        usual = PROOF_EPOCHS if self.settings.data == "quick" else PROTOCOL_EPOCHS
        return usual[self.model]

    @property
    def identity(self) -> dict[str, Any]:
        """What the notebook's report must repeat, so that no other run's is taken for its own."""
        return {
            "framework": self.framework.key,
            "model": self.model,
            "epochs": self.epochs,
            "precision": self.settings.precision,
            "data": self.settings.data,
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """What is injected into the notebook."""
        chosen = {
            **(QUICK[self.model] if self.is_quick else {}),
            "FRAMEWORK": self.framework.key,
            "PRECISION": self.settings.precision,
            "DATA": self.settings.data,
        }
        return chosen if self.epochs is None else {**chosen, "EPOCHS": self.epochs}

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables of the notebook beside the framework's own."""
        limited = self.examples and self.epochs
        limit = {"ROSETTA_EXAMPLES": str(self.examples)} if limited else {}
        return {**limit, **(self.framework.quick if self.is_quick else {})}

    @property
    def insertion(self) -> str:
        """Code that is executed after the `data` cell: fewer images to predict. "" where none is."""
        limited = self.examples and not self.epochs
        first = self.framework.language.first_images
        return first.format(self.examples) if limited else ""

    @property
    def record_path(self) -> Path:
        return self.folder / "records" / f"{self.key.stem}.json"

    @property
    def failure_path(self) -> Path:
        """Where a failure is recorded; apart, so that it never replaces a finished record."""
        return self.folder / "records" / f"{self.key.stem}.failed.json"

    @property
    def executed_path(self) -> Path | None:
        """Where the executed notebook is kept; None if it is not."""
        kept = self.folder / "notebooks" / f"{self.key.stem}.ipynb"
        return kept if self.keeps_notebook else None

    def offer(self, exchange: Path) -> None:
        """Put what the notebook begins with into folder `0` of this one (see common/exchange.py)."""

    def find_problem(self, report: Record, exchange: Path) -> str:
        """Why a run that ended well is nevertheless a failure, or "".

        May add to the report. `exchange` is the folder whose subfolders, one for each
        evaluation, hold what the notebook left.
        """
        floor = LEARNED[report["data"]].get(report["model"])
        if self.epochs and floor and not report["accuracy"] > floor:
            return (
                f"did not learn: accuracy {report['accuracy']:.3f}, "
                f"{floor} expected at least"
            )
        return ""

    def headline(self, report: Record) -> str:
        """What a finished run's report says in a few words."""
        accuracy = report["accuracy"]
        said = "" if accuracy is None else f", accuracy {accuracy:.3f}"
        return f"{report['seconds']:.1f} {self.key.group.unit}{said}"

    def digests(self) -> dict[str, str]:
        """Whatever the result depends on beside the environment; if one changes, the record is stale."""
        variables = {**self.framework.variables, **self.variables}
        # where caches are changes no result
        kept = {
            name: text for name, text in variables.items() if "{caches}" not in text
        }
        settings: dict[str, Any] = {**self.parameters, "variables": kept}
        if self.insertion:
            settings["insertion"] = self.insertion
        return {
            "notebook": inputs.notebook_digest(self.notebook),
            "common": inputs.common_digest(self.framework.language),
            "settings": digests.of_json(settings),
        }

    def obstacle(self) -> Obstacle | None:
        """Why this job cannot be run here as things stand; None if nothing is known."""
        problem = inputs.problem(self.framework.notebook(self.model))
        if problem:
            return Obstacle(NOTEBOOK, problem)
        kind = self.settings.device.kind
        possible = precisions.available(self.framework.precisions, self.model, kind)
        if self.settings.precision not in possible:
            there = ", ".join(possible)
            return Obstacle(PRECISION, f"on a {kind.upper()} it has {there} only")
        return self.environment.obstacle(self.framework)

    def state(self) -> State:
        """How things stand with it, by its record."""
        obstacle = self.obstacle()
        record = store.read_or_none(self.record_path)
        if record and not (obstacle and obstacle.kind == NOTEBOOK):
            if not self.is_current(record):
                return State(STALE)
            return State(DONE if record["status"] == "ok" else FAILED)
        if obstacle:
            return State(BLOCKED, obstacle.text)
        failed = store.read_or_none(self.failure_path)
        return State(FAILED if failed else READY)

    def is_current(self, record: Record) -> bool:
        """Whether nothing has changed that the record depends on."""
        same = record["environment"]["digest"] == self.environment.digest
        return same and record["digests"] == self.digests()
