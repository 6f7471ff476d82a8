"""Parity: every notebook against the float64 reference, from the same weights on the same batches.

Two checks, each one execution of the notebook on generated data:

outputs  The notebook trains as in a quick run. What it then makes of the first examples of the
         test set is compared with what the reference makes of them with the weights it ended with.
steps    Twenty optimizer steps (CNN and RNN), one batch in each of twenty epochs, without dropout,
         from given weights: every loss, and the weights at the end, against the reference's.

Both count the parameters. That weights survive the way into a framework and out again, bit for
bit, is asserted by each notebook's `weights` cell.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from common.params import MODELS
from common.weights import count_parameters, seeded_weights
from support.basics import digests
from support.equivalence import answers, reference
from support.equivalence.answers import BATCHSIZE, SEED, STEPS, Weights
from support.execution.jobs import Job
from support.execution.settings import Settings
from support.records.store import Record
from support.registry import Framework

CHECKS = {"outputs": ("CNN", "RNN", "Inference"), "steps": ("CNN", "RNN")}
EXAMPLES = {"CNN": 64, "RNN": 64, "Inference": 32}  # whose outputs are compared

# The largest relative errors that float32 explains; none is ever loosened for a framework. Products
# whose operands are rounded to TF32 show in the outputs by 4e-4 and more (tests/test_equivalence.py).
OUTPUTS = {"CNN": 1e-4, "RNN": 1e-4, "Inference": 1e-4}
FIRST_LOSS, LOSSES, FINAL_WEIGHTS = 1e-4, 1e-3, 1e-3


@dataclass(frozen=True)
class ParityJob(Job):
    """One check of one notebook. Its record has `checks`, and fails if one of them does."""

    check: str = "outputs"

    exchanges: ClassVar[bool] = True
    keeps_notebook: ClassVar[bool] = False  # the measured figures are what is kept

    @property
    def purpose(self) -> str:
        return self.check

    @property
    def column(self) -> str:
        return f"{self.model} {self.check}"

    @property
    def folder(self) -> Path:
        return self.settings.folder / "parity"

    @property
    def epochs(self) -> int | None:
        return STEPS if self.check == "steps" else super().epochs

    @property
    def parameters(self) -> dict[str, Any]:
        if self.check != "steps":
            return super().parameters
        dropout = [name for name in MODELS[self.model] if name.startswith("DROPOUT")]
        return {**super().parameters, **dict.fromkeys(dropout, 0.0)}

    @property
    def variables(self) -> dict[str, str]:
        one_batch = {"ROSETTA_EXAMPLES": str(BATCHSIZE)}
        return one_batch if self.check == "steps" else {}

    def digests(self) -> dict[str, str]:
        return {**super().digests(), "reference": answers_digest()}

    def offer(self, exchange: Path) -> None:
        if self.check == "steps":
            weights = answers.given_weights(self.model, self.framework.gru)
            np.savez(exchange / "0" / "initial.npz", **weights)  # type: ignore[arg-type]

    def find_problem(self, report: Record, exchange: Path) -> str:
        weights = answers.load_weights(exchange / "0" / "weights.npz")
        expected = seeded_weights(self.model, SEED, self.framework.gru)
        difference = abs(count_parameters(weights) - count_parameters(expected))
        checks = [measured("parameters", difference, 0)]
        if _shapes(weights) == _shapes(expected):
            compare = self._outputs if self.check == "outputs" else self._steps
            checks += compare(report, weights, exchange)
        elif not difference:
            checks = [measured("parameters", np.inf, 0)]
        report["checks"] = checks
        missed = [check for check in checks if not check["passed"]]
        if missed:
            report["status"] = "failed"
            report["reason"] = "; ".join(
                f"{check['check']}: error {in_words(check)}, {check['tolerance']:g} allowed"
                for check in missed
            )
        return "" if missed else self._learning_problem(report, exchange)

    def _learning_problem(self, report: Record, exchange: Path) -> str:
        """One batch an epoch teaches too little to be judged by accuracy."""
        return "" if self.check == "steps" else super().find_problem(report, exchange)

    def _outputs(
        self, report: Record, weights: Weights, exchange: Path
    ) -> list[Record]:
        count = EXAMPLES[self.model]
        outputs = np.load(exchange / "0" / "outputs.npy", allow_pickle=False)[:count]
        expected = answers.reference_outputs(
            self.model, weights, self.framework.gru, count
        )
        if self._softmax_in_model:
            expected = reference.softmax(expected)
        return [measured("outputs", relative(outputs, expected), OUTPUTS[self.model])]

    @property
    def _softmax_in_model(self) -> bool:
        return (
            self.model != "Inference"
            and self.framework.conventions["softmax"] == "in_model"
        )

    def _steps(self, report: Record, weights: Weights, exchange: Path) -> list[Record]:
        kind = self.framework.conventions["adam_epsilon"] if self.model == "RNN" else ""
        losses, final = answers.reference_steps(self.model, self.framework.gru, kind)
        found = np.array(report["epoch_losses"], np.float64)
        error = np.abs(found - losses) / losses
        return [
            measured("loss, step 1", error[0], FIRST_LOSS),
            measured(f"loss, {STEPS} steps", error.max(), LOSSES),
            measured("final weights", weights_error(weights, final), FINAL_WEIGHTS),
        ]

    def headline(self, report: Record) -> str:
        errors = (c for c in report["checks"] if c["tolerance"])
        return ", ".join(f"{c['check']} {in_words(c)}" for c in errors)


def jobs(pairs: Iterable[tuple[Framework, str]], settings: Settings) -> list[Job]:
    """The checks of these (framework, model) pairs."""
    return [
        ParityJob(framework, model, settings, check=check)
        for check, models in CHECKS.items()
        for framework, model in pairs
        if model in models
    ]


def measured(check: str, error: float, tolerance: float) -> Record:
    """A check's outcome, as records have it; an error that is no number is None, and fails."""
    passed = bool(error <= tolerance)
    known = float(error) if np.isfinite(error) else None
    return {"check": check, "error": known, "tolerance": tolerance, "passed": passed}


def in_words(check: Record) -> str:
    """A check's error in words."""
    return "not finite" if check["error"] is None else f"{check['error']:.1e}"


def relative(actual: np.ndarray, expected: np.ndarray) -> float:
    """max |actual − expected| / max |expected|; infinite where the shapes differ."""
    if actual.shape != expected.shape:
        return np.inf
    return np.abs(actual - expected).max() / np.abs(expected).max()


def weights_error(actual: Weights, expected: Weights) -> float:
    """The largest ‖actual − expected‖ / ‖expected‖ of all tensors."""
    return max(
        np.linalg.norm(actual[name] - value) / np.linalg.norm(value)
        for name, value in expected.items()
    )


def _shapes(weights: Weights) -> dict[str, tuple]:
    return {name: value.shape for name, value in weights.items()}


def answers_digest() -> str:
    """Of what a verdict depends on beside the notebook: the reference's answers and the tolerances."""
    tolerances = [EXAMPLES, OUTPUTS, FIRST_LOSS, LOSSES, FINAL_WEIGHTS]
    return digests.of_parts(answers.code_digest(), digests.of_json(tolerances))
