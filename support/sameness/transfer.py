"""Transfer: a model trained in one framework, evaluated with the same weights in another.

A training job leaves its weights, by common name, and its outputs on the test set in plain NumPy
files. An evaluation job takes the weights of any number of training jobs, one after the other,
trains nothing, and evaluates; its outputs are compared with those of the training jobs.

GRUs of different kinds have no weights in common; see `obstacle`.
"""

import functools
import shutil
from dataclasses import dataclass

import numpy as np

from common.files import digest
from support import records, registry
from support.jobs import Job
from support.paths import PRIVATE
from support.sameness import answers
from support.sameness.answers import load_weights

TRAINED = ("CNN", "RNN")
AGREEMENT = 0.999  # the share of the test set that must be classified alike, at least
ACCURACY = 0.001  # by how much accuracies may differ


@dataclass(frozen=True)
class TrainingJob(Job):
    """Trains, and keeps the weights and what the model makes of the test set."""

    exchanges = True
    executed_path = None

    @property
    def column(self):
        return f"{self.model} trained"

    @property
    def folder(self):
        return self.settings.machine_folder / "transfer"

    @property
    def stem(self):
        return f"{self.framework.key}_{_case(self)}_trained"

    @property
    def weights_path(self):
        return self._kept("weights.npz")

    @property
    def outputs_path(self):
        return self._kept("outputs.npy")

    def _kept(self, name):
        return (
            PRIVATE / "weights" / self.settings.device.machine / f"{self.stem}.{name}"
        )

    def judge(self, report, exchange):
        doubt = super().judge(report, exchange)
        if not doubt:
            self.weights_path.parent.mkdir(parents=True, exist_ok=True)
            for path in (self.weights_path, self.outputs_path):
                left = exchange / "0" / path.name.removeprefix(f"{self.stem}.")
                shutil.copy(left, path.with_suffix(".unfinished"))
                path.with_suffix(".unfinished").replace(path)
            report["weights_digest"] = self.weights_digest()
        return doubt

    def weights_digest(self):
        return digest(self.weights_path, "sha256")[:16]

    def state(self):
        """Done only while the files are there: the record alone moves no weights."""
        state = super().state()
        there = self.weights_path.exists() and self.outputs_path.exists()
        return "ready" if state == "done" and not there else state


@dataclass(frozen=True)
class EvaluationJob(Job):
    """Evaluates the weights of several training jobs. Its record has `pairs`, by the framework
    that trained: how many of the test set both classify alike, and their accuracies."""

    sources: tuple = ()

    exchanges = True
    executed_path = None
    epochs = 0

    @property
    def column(self):
        return f"{self.model} evaluated"

    @property
    def folder(self):
        return self.settings.machine_folder / "transfer"

    @property
    def stem(self):
        return f"{self.framework.key}_{_case(self)}_evaluated"

    @property
    def evaluations(self):
        return len(self.sources)

    def offer(self, exchange):
        for number, source in enumerate(self.sources):
            weights = load_weights(source.weights_path)
            fitted = (
                fit(weights, self.framework.gru) if self.model == "RNN" else weights
            )
            np.savez(exchange / str(number) / "initial.npz", **fitted)

    def judge(self, report, exchange):
        doubt = super().judge(report, exchange)
        if doubt:
            return doubt
        pairs = self.known_pairs()
        for number, source in enumerate(self.sources):
            outputs = np.load(
                exchange / str(number) / "outputs.npy", allow_pickle=False
            )
            pairs[source.framework.key] = self._compare(source, outputs)
        report["pairs"] = pairs
        missed = [key for key, pair in pairs.items() if not _passed(pair)]
        if missed:
            report["status"] = "failed"
            report["reason"] = "; ".join(
                f"from {key}: {pairs[key]['agreement']:.2%} alike" for key in missed
            )
        return ""

    def _compare(self, source, outputs):
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

    def known_pairs(self):
        """What an earlier run of the same notebook found about weights that are still the same."""
        record = records.read(self.record_path)
        if not record or record.get("digests") != self.digests():
            return {}
        return record.get("pairs", {})

    def state(self):
        state = super().state()
        return "ready" if state == "done" and self.sources else state

    def headline(self, report):
        agreements = [pair["agreement"] for pair in report["pairs"].values()]
        return f"{len(agreements)} models, {min(agreements):.2%} alike at least"


def _case(job):
    """What transfers may be compared: the model, the kind of data, the epochs of training."""
    epochs = Job(job.framework, job.model, job.settings).epochs
    return f"{job.model}_{job.settings.data}_{epochs}-epochs"


def _passed(pair):
    near = abs(pair["accuracy_here"] - pair["accuracy_there"]) <= ACCURACY
    return bool(pair["obstacle"]) or (pair["agreement"] >= AGREEMENT and near)


def plan(pairs, sources=(), targets=()):
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


def refuse(moves):
    """The moves that keep the model the same, and why each of the others does not."""
    reasons = {move: obstacle(*move) for move in moves}
    return (
        [move for move, reason in reasons.items() if not reason],
        [reason for reason in reasons.values() if reason],
    )


def trainings(moves, settings):
    """The training jobs that these moves begin with."""
    wanted = dict.fromkeys((source, model) for source, _, model in moves)
    return [TrainingJob(source, model, settings) for source, model in wanted]


def evaluations(moves, trainings, again=False):
    """The jobs that evaluate what is not yet known of the trained weights, or all of it `again`."""
    trained = {
        (job.framework, job.model): job for job in trainings if job.state() == "done"
    }
    by_target = {}
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


def _is_known(source, pairs):
    pair = pairs.get(source.framework.key, {})
    return pair.get("weights_digest") == source.weights_digest()


def obstacle(source, target, model):
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


def fit(weights, gru):
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
def _test_labels(model, data):
    labels = answers.load(model, data)[3]
    answers.load.cache_clear()  # of real images it would keep hundreds of megabytes
    return labels
