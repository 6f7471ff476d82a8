"""The cases of parity: weights, batches and data that both sides are given, and the reference's answers.

Answers take the reference seconds to a minute, so they are kept in .rosetta/reference as long as
nothing that they depend on has changed.
"""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from common import quick
from common.batches import permutation
from common.data import load_cifar10, load_images, load_imdb
from common.params import COMMON, MODELS
from common.weights import seeded_weights
from support.basics import digests
from support.basics.paths import PRIVATE
from support.equivalence import reference
from support.equivalence.reference import Weights

STEPS = 20
BATCHSIZE = MODELS["CNN"]["BATCHSIZE"]  # the RNN's is the same
SEED = COMMON["SEED"]


def given_weights(model: str, gru: str) -> Weights:
    """Seeded weights in which every detail tells, and float32 can follow float64.

    Biases are not zero. The RNN's embeddings are ten times as large, so that gates leave the range
    where they are linear. The CNN's kernels are smaller, for a reason that was measured: near a tie, a
    ReLU or a max-pooling decides by the last bit, and what such decisions do to the gradients
    grows tenfold every three steps; in PyTorch, float32 and float64 then differ by 1e-3 after
    twenty steps with seeded kernels and biases of ±0.1, by 1e-5 with these.
    """
    weights = seeded_weights(model, SEED, gru)
    random = np.random.RandomState(SEED)
    for name, value in weights.items():
        if ".bias" in name:
            weights[name] = random.uniform(-0.3, 0.3, value.shape).astype(np.float32)
        elif model == "CNN":
            weights[name] = value * np.float32(0.7)
    if model == "RNN":
        weights["embedding.weight"] *= 10
    return weights


def step_batches(model: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of the steps check: of each epoch the first."""
    x, y = load(model)[:2]
    for step in range(STEPS):
        chosen = permutation(len(x), SEED + step)[:BATCHSIZE]
        yield x[chosen], y[chosen]


@functools.lru_cache(maxsize=1)
def load(model: str, data: str = "quick") -> tuple:
    """The data as the reference takes them: x_train, y_train, x_test, y_test."""
    if model == "RNN":
        rnn = MODELS["RNN"]
        return load_imdb(data, rnn["VOCABULARY"], rnn["LENGTH"])
    if model == "CNN":
        return load_cifar10(data, channels_first=True)
    return None, None, load_images(data, channels_first=True), None


def reference_outputs(model: str, weights: Weights, gru: str, count: int) -> np.ndarray:
    """What the reference makes of the first `count` examples of the test set; float64."""

    def compute() -> Weights:
        x = load(model)[2][:count]
        if model == "RNN":
            return {"outputs": reference.rnn(weights, x, gru)}
        forward = reference.cnn if model == "CNN" else reference.resnet50
        return {"outputs": forward(weights, x)}

    return _kept(compute, "outputs", model, gru, count, *_bytes(weights))["outputs"]


def reference_steps(
    model: str, gru: str, epsilon_kind: str
) -> tuple[np.ndarray, Weights]:
    """(losses, final weights) of the reference from the given weights; float64."""
    weights = given_weights(model, gru)

    def compute() -> Weights:
        losses, final = reference.train(
            model, weights, step_batches(model), gru, epsilon_kind
        )
        return {"losses": np.array(losses), **final}

    kept = _kept(compute, "steps", model, gru, epsilon_kind, STEPS, *_bytes(weights))
    return kept.pop("losses"), kept


def _bytes(weights: Weights) -> list[bytes]:
    return [value.tobytes() for _, value in sorted(weights.items())]


def _kept(compute: Callable[[], Weights], *depends: Any) -> Weights:
    """`compute()`, arrays by name, kept in a file as long as the reference, the generated data and
    `depends` are the same."""
    parts = (part if isinstance(part, bytes) else repr(part) for part in depends)
    key = digests.of_parts(code_digest(), quick.DIGEST, *parts)
    path = PRIVATE / "reference" / f"{key}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished.npz")
        np.savez(unfinished, **compute())  # type: ignore[arg-type]
        unfinished.replace(path)
    return load_weights(path)


@functools.lru_cache
def code_digest() -> str:
    """Of the code that answers depend on."""
    modules = (reference.__file__, __file__)
    return digests.of_parts(*(digests.code_of(Path(module)) for module in modules))


def load_weights(path: Path) -> Weights:
    """{common name: array} of a file that a notebook left."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
