"""What identifies a run. File names, groups, titles and comparisons derive from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common.params import MODELS
from support.basics.numbers import counted
from support.basics.precisions import PRECISIONS

TITLES = {
    "CNN": "CNN on CIFAR-10",
    "RNN": "GRU on IMDB",
    "Inference": "ResNet-50 features",
}

PROTOCOL_EPOCHS: dict[str, Any] = {  # of training; inference has none
    model: values["EPOCHS"] for model, values in MODELS.items() if "EPOCHS" in values
}


@dataclass(frozen=True)
class Group:
    """Runs that one table may compare. `examples` is the limit of examples (None: all there are)."""

    model: str
    epochs: int | None
    precision: str
    data: str = "real"
    examples: int | None = None
    tuned: bool = False

    @property
    def title(self) -> str:
        return f"{self.name}, {self.settings}"

    @property
    def name(self) -> str:
        """What is computed: the model and its data."""
        quick = self.data == "quick"
        return f"{self.model} on generated data" if quick else TITLES[self.model]

    @property
    def settings(self) -> str:
        """How much of it, and in which precision."""
        tuned = "tuned" if self.tuned else ""
        return ", ".join(filter(None, [self.extent, self.precision, tuned]))

    @property
    def extent(self) -> str:
        """How much was trained on or predicted; "" where it is all of the images once."""
        limit = f"{self.examples:,} {self.noun}" if self.examples else ""
        if not self.epochs:
            return limit
        epochs = counted(self.epochs, "epoch")
        if limit:
            return f"{epochs} of {limit}"
        protocol = self.data == "real" and self.epochs == PROTOCOL_EPOCHS.get(
            self.model
        )
        return f"{epochs} (the protocol)" if protocol else epochs

    @property
    def unit(self) -> str:
        return "s per 1,000 images" if self.model == "Inference" else "s"

    @property
    def noun(self) -> str:
        """What its examples are."""
        return "reviews" if self.model == "RNN" else "images"

    @property
    def slug(self) -> str:
        """Its name in file names."""
        parts = [
            self.model.lower(),
            *_counted(self.epochs, self.examples),
            self.precision,
        ]
        return "-".join([*parts, *(["tuned"] if self.tuned else [])])

    @property
    def order(self) -> tuple:
        """Where its table stands among the others: the longest training first."""
        return (
            list(MODELS).index(self.model),
            self.tuned,
            self.data != "real",
            -(self.epochs or 0),
            self.examples is not None,
            -(self.examples or 0),
            PRECISIONS.index(self.precision),
        )


def protocol(model: str) -> Group:
    """The runs of the model that follow the protocol, in float32."""
    return Group(model, PROTOCOL_EPOCHS.get(model), "fp32")


@dataclass(frozen=True)
class RunKey:
    """One run among all of a machine.

    `environment` is the kind of its environment. `tuned` follows from the framework. `purpose` is
    "run" for timings; proofs have others. `repeat` counts from 1.
    """

    framework: str
    model: str
    epochs: int | None
    precision: str
    data: str = "real"
    examples: int | None = None
    environment: str = "pinned"
    tuned: bool = False
    purpose: str = "run"
    repeat: int = 1

    @classmethod
    def of(cls, record: dict[str, Any]) -> RunKey:
        """The key of a record."""
        return cls(
            framework=record["framework"],
            model=record["model"],
            epochs=record.get("trained_epochs", record["epochs"]),
            precision=record["precision"],
            data=record["data"],
            examples=record["examples_limit"],
            environment=record["environment"]["kind"],
            tuned=record["tuned"],
            purpose=record["purpose"],
            repeat=record["repeat"],
        )

    @property
    def group(self) -> Group:
        return Group(
            self.model,
            self.epochs,
            self.precision,
            self.data,
            self.examples,
            self.tuned,
        )

    @property
    def stem(self) -> str:
        """The name, without an ending, of every file about this run."""
        parts = [self.framework, self.model, *_counted(self.epochs, self.examples)]
        parts += ["quick"] if self.data == "quick" else []
        parts.append(self.precision)
        parts += ["installed"] if self.environment == "installed" else []
        timed = self.purpose == "run"
        parts += [] if timed else [self.purpose]
        parts += [f"run-{self.repeat}"] if timed or self.repeat > 1 else []
        return "_".join(parts)


def _counted(epochs: int | None, examples: int | None) -> list[str]:
    parts = [f"{epochs}-epochs"] if epochs else []
    return [*parts, f"{examples}-examples"] if examples else parts
