import hashlib

import numpy as np
import pytest

from common import batches, permutation

X, Y = np.arange(10) * 10, np.arange(10)


def test_order_is_the_same_on_every_version():
    assert permutation(10, 42).tolist() == [8, 1, 5, 0, 7, 2, 9, 4, 3, 6]
    order = permutation(50000, 42).astype("<i8").tobytes()
    assert hashlib.sha256(order).hexdigest() == (
        "a63a4e0e80c1fdf6c21741cab4374bf26799dc5dbdbc11697af31da7be221b00"
    )


def test_training_follows_the_permutation_of_its_seed():
    seen = [y for _, ys in batches(X, Y, 5, seed=42) for y in ys]
    assert seen == permutation(10, 42).tolist()
    other = [y for _, ys in batches(X, Y, 5, seed=43) for y in ys]
    assert sorted(other) == sorted(seen) and other != seen


def test_each_example_keeps_its_label():
    for seed in (None, 7):
        for x, y in batches(X, Y, 4, seed):
            assert (x == 10 * y).all()


@pytest.mark.parametrize("batchsize, count", [(4, 2), (5, 2), (10, 1), (11, 0)])
def test_training_drops_only_the_partial_batch(batchsize, count):
    sizes = [(len(x), len(y)) for x, y in batches(X, Y, batchsize, seed=1)]
    assert sizes == [(batchsize, batchsize)] * count


@pytest.mark.parametrize("batchsize", [3, 5, 64])
def test_evaluation_covers_every_example_in_order(batchsize):
    seen = [y for _, ys in batches(X, Y, batchsize) for y in ys]
    assert seen == Y.tolist()


def test_batches_leave_the_data_and_the_global_random_state_alone():
    np.random.seed(5)
    expected = np.random.uniform()
    np.random.seed(5)
    x = X.copy()
    for batch, _ in batches(x, Y, 5, seed=1):
        batch += 1
    assert (x == X).all()
    assert np.random.uniform() == expected


def test_an_epoch_can_be_shortened(monkeypatch):
    monkeypatch.setenv("ROSETTA_EXAMPLES", "4")
    assert permutation(10, 42).tolist() == [8, 1, 5, 0]
    assert [y.tolist() for _, y in batches(X, Y, 2, seed=42)] == [[8, 1], [5, 0]]
    assert sum(len(y) for _, y in batches(X, Y, 2)) == 10, "evaluation covers all"
