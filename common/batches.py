"""Mini-batches in an order that depends on the seed alone, so that every framework sees the same."""

import os

import numpy as np


def permutation(n, seed):
    """The order of `n` examples in the epoch that has this seed: int64, shape (n,).

    Where the environment variable ROSETTA_EXAMPLES is a number, an epoch ends after that
    many: a parity run makes it one batch, so that the loss of an epoch is that of a step.
    """
    order = np.random.RandomState(seed).permutation(n)
    return order[: examples_per_epoch(n)]


def examples_per_epoch(n):
    """How many of `n` training examples an epoch uses, before a partial batch is dropped."""
    return min(n, int(os.environ.get("ROSETTA_EXAMPLES") or n))


def batches(x, y, batchsize, seed=None):
    """Yield `(x, y)` pairs of `batchsize` examples.

    With a seed, for training: shuffled, and the last partial batch is dropped, so that every
    step averages over the same number of examples. Without one, for evaluation: in order, and
    the last batch may be smaller, so that every example counts.
    """
    if seed is None:
        for start in range(0, len(x), batchsize):
            yield x[start : start + batchsize], y[start : start + batchsize]
        return
    order = permutation(len(x), seed)
    for start in range(0, len(order) - batchsize + 1, batchsize):
        chosen = order[start : start + batchsize]
        yield x[chosen], y[chosen]
