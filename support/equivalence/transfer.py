"""Transfer: a model trained in one framework, evaluated with the same weights in another.

A training job leaves its weights, by common name, and its outputs on the test set in plain NumPy
files. An evaluation job takes the weights of any number of training jobs, one after the other,
trains nothing, and evaluates; its outputs are compared with those of the training jobs.

GRUs of different kinds have no weights in common; see `obstacle`.
"""

import functools
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from common.files import digest
from support import registry
from support.basics.numbers import counted
from support.basics.paths import PRIVATE
from support.equivalence import answers
from support.equivalence.answers import Weights, load_weights
from support.execution.jobs import DONE, READY, Job, State
from support.execution.settings import Settings
from support.records import store
from support.records.key import RunKey
from support.records.store import Record
from support.registry import Framework

Move = tuple[Framework, Framework, str]  # from, to, model

TRAINED = ("CNN", "RNN")
AGREEMENT = 0.999  # the share of the test set that must be classified alike, at least
ACCURACY = 0.001  # by how much accuracies may differ


@dataclass(frozen=True)
class TransferJob(Job):
    """What trainings and evaluations have in common."""

    exchanges: ClassVar[bool] = True
    keeps_notebook: ClassVar[bool] = False

    @property
    def column(self) -> str:
        return f"{self.model} {self.purpose}"

    @property
    def folder(self) -> Path:
        return self.settings.folder / "transfer"


@dataclass(frozen=True)
class TrainingJob(TransferJob):
    """Trains, and keeps the weights and what the model makes of the test set."""

    @property
    def purpose(self) -> str:
        return "trained"

    @property
    def weights_path(self) -> Path:
        return self._kept("weights.npz")

    @property
    def outputs_path(self) -> Path:
        return self._kept("outputs.npy")

    def _kept(self, name: str) -> Path:
        machine = PRIVATE / "weights" / self.settings.folder.name
        return machine / f"{self.key.stem}.{name}"

    def find_problem(self, report: Record, exchange: Path) -> str:
        problem = super().find_problem(report, exchange)
        if not problem:
            self.weights_path.parent.mkdir(parents=True, exist_ok=True)
            for path in (self.weights_path, self.outputs_path):
                left = exchange / "0" / path.name.removeprefix(f"{self.key.stem}.")
                shutil.copy(left, path.with_suffix(".unfinished"))
                path.with_suffix(".unfinished").replace(path)
            report["weights_digest"] = self.weights_digest()
        return problem

    def weights_digest(self) -> str:
        return digest(self.weights_path, "sha256")[:16]

    def state(self) -> State:
        """Done only while the files are there: the record alone moves no weights."""
        state = super().state()
        there = self.weights_path.exists() and self.outputs_path.exists()
        return State(READY) if state.kind == DONE and not there else state


@dataclass(frozen=True)
class EvaluationJob(TransferJob):
    """Evaluates the weights of several training jobs. Its record has `pairs`, by the framework
    that trained: how many of the test set both classify alike, and their accuracies."""

    sources: tuple[TrainingJob, ...] = ()

    @property
    def purpose(self) -> str:
        return "evaluated"

    @property
    def epochs(self) -> int:
        """None: it trains nothing."""
        return 0

    @property
    def _trained_epochs(self) -> int | None:
        return TrainingJob(self.framework, self.model, self.settings).epochs

    @property
    def key(self) -> RunKey:
        return replace(super().key, epochs=self._trained_epochs)

    @property
    def evaluations(self) -> int:
        return len(self.sources)

    def offer(self, exchange: Path) -> None:
        for number, source in enumerate(self.sources):
            weights = load_weights(source.weights_path)
            fitted = (
                fit(weights, self.framework.gru) if self.model == "RNN" else weights
            )
            np.savez(exchange / str(number) / "initial.npz", **fitted)  # type: ignore[arg-type]

    def find_problem(self, report: Record, exchange: Path) -> str:
        problem = super().find_problem(report, exchange)
        if problem:
            return problem
        pairs = self.known_pairs()
        for number, source in enumerate(self.sources):
            outputs = np.load(
                exchange / str(number) / "outputs.npy", allow_pickle=False
            )
            pairs[source.framework.key] = self._compare(source, outputs)
        report["pairs"], report["trained_epochs"] = pairs, self._trained_epochs
        missed = [key for key, pair in pairs.items() if not _passed(pair)]
        if missed:
            report["status"] = "failed"
            report["reason"] = "; ".join(
                f"from {key}: {pairs[key]['agreement']:.2%} alike" for key in missed
            )
        return ""

    def _compare(self, source: TrainingJob, outputs: np.ndarray) -> Record:
        labels = _test_labels(self.model, self.settings.data)
        there = np.load(source.outputs_path, allow_pickle=False).argmax(1)
        here = outputs.argmax(1)
        return {
            "epochs": source.epochs,
            "weights_digest": source.weights_digest(),
            "agreement": float((here == there).mean()),
            "accuracy_there": float((there == labels).mean()),
            "accuracy_here": float((here == labels).mean()),
            "obstacle": obstacle(source.framework, self.framework, self.model),
        }

    def known_pairs(self) -> dict[str, Record]:
        """What an earlier run of the same notebook found about weights that are still the same."""
        record = store.read_or_none(self.record_path)
        if not record or not self.is_current(record):
            return {}
        return record.get("pairs", {})

    def state(self) -> State:
        state = super().state()
        return State(READY) if state.kind == DONE and self.sources else state

    def headline(self, report: Record) -> str:
        agreements = [pair["agreement"] for pair in report["pairs"].values()]
        models = counted(len(agreements), "model")
        return f"{models}, {min(agreements):.2%} alike at least"


def _passed(pair: Record) -> bool:
    near = abs(pair["accuracy_here"] - pair["accuracy_there"]) <= ACCURACY
    return bool(pair["obstacle"]) or (pair["agreement"] >= AGREEMENT and near)


def plan(
    pairs: Sequence[tuple[Framework, str]],
    sources: Iterable[str] = (),
    targets: Iterable[str] = (),
) -> list[Move]:
    """The moves (source, target, model) that are asked for, within these (framework, model) pairs."""
    every = {framework.key: framework for framework, _ in pairs}
    models = {model for _, model in pairs} & set(TRAINED)
    return (
        [
            (source, target, model)
            for source, model in registry.select(every, sources, models)
            for target, _ in registry.select(every, targets, [model])
        ]
        if models
        else []
    )


def refuse(moves: list[Move]) -> tuple[list[Move], list[str]]:
    """The moves that keep the model the same, and why each of the others does not."""
    reasons = {move: obstacle(*move) for move in moves}
    return (
        [move for move, reason in reasons.items() if not reason],
        [reason for reason in reasons.values() if reason],
    )


def trainings(moves: list[Move], settings: Settings) -> list[TrainingJob]:
    """The training jobs that these moves begin with."""
    wanted = dict.fromkeys((source, model) for source, _, model in moves)
    return [TrainingJob(source, model, settings) for source, model in wanted]


def evaluations(
    moves: list[Move], trainings: list[TrainingJob], again: bool = False
) -> list[EvaluationJob]:
    """The jobs that evaluate what is not yet known of the trained weights, or all of it `again`."""
    trained = {
        (job.framework, job.model): job for job in trainings if job.state().kind == DONE
    }
    by_target: dict[tuple[Framework, str], list[TrainingJob]] = {}
    for source, target, model in moves:
        if (source, model) in trained:
            by_target.setdefault((target, model), []).append(trained[source, model])
    jobs = []
    for (target, model), sources in by_target.items():
        settings = sources[0].settings
        known = {} if again else EvaluationJob(target, model, settings).known_pairs()
        new = tuple(source for source in sources if not _is_known(source, known))
        jobs.append(EvaluationJob(target, model, settings, sources=new))
    return jobs


def _is_known(source: TrainingJob, pairs: dict[str, Record]) -> bool:
    pair = pairs.get(source.framework.key, {})
    return pair.get("weights_digest") == source.weights_digest()


def obstacle(source: Framework, target: Framework, model: str) -> str:
    """Why a model trained in one framework is another one in the other; "" if it is the same.

    Without a recurrent bias is the same as with one of zeros, so "reset_after_one_bias" is a
    special case of "reset_after"; all else loses something.
    """
    kinds = (source.gru, target.gru)
    if (
        model != "RNN"
        or source.gru == target.gru
        or kinds == ("reset_after_one_bias", "reset_after")
    ):
        return ""
    return (
        f"{source.key}'s GRU is of the kind {source.gru}, {target.key}'s {target.gru}"
    )


def fit(weights: Weights, gru: str) -> Weights:
    """The RNN's weights with the biases that this kind of GRU has.

    For kinds that differ this is the plausible mistake: the sum of two biases where there is
    room for one, zeros where there is room for two.
    """
    fitted = dict(weights)
    recurrent = fitted.pop("gru.bias_recurrent", np.float32(0))
    if gru == "reset_after":
        fitted["gru.bias_recurrent"] = np.broadcast_to(
            recurrent, fitted["gru.bias_input"].shape
        )
    else:
        fitted["gru.bias_input"] = fitted["gru.bias_input"] + recurrent
    return fitted


@functools.lru_cache(maxsize=1)
def _test_labels(model: str, data: str) -> np.ndarray:
    labels = answers.load(model, data)[3]
    answers.load.cache_clear()  # of real images it would keep hundreds of megabytes
    return labels
