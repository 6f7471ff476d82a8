import numpy as np
import pytest

from common import assert_same_weights, exchange
from common.weights import initial_weights, seeded_weights


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An exchange folder that notebooks are told of."""
    monkeypatch.setenv("ROSETTA_EXCHANGE", str(tmp_path))
    return tmp_path


def test_without_a_folder_weights_are_seeded_and_nothing_is_kept(monkeypatch):
    monkeypatch.delenv("ROSETTA_EXCHANGE", raising=False)
    assert initial_weights("CNN", 42).source == "seed 42"
    exchange.save({"a": np.ones(2)}, np.ones(2))


def test_given_weights_are_those_to_begin_with(folder):
    given = seeded_weights("RNN", 7)
    np.savez(str(folder / "initial.npz"), **given)
    weights = initial_weights("RNN", 42)
    assert_same_weights(weights, given)
    assert weights.source == "a file"
    assert list(weights) == list(given)


def test_weights_of_another_kind_of_gru_are_refused(folder):
    np.savez(str(folder / "initial.npz"), **seeded_weights("RNN", 7))
    with pytest.raises(ValueError) as error:
        initial_weights("RNN", 42, gru="reset_before")
    assert "gru.bias_recurrent is (300,), expected no such weight" in str(error.value)


def test_pickles_are_not_read(folder):
    array = np.empty(1, object)
    np.savez(str(folder / "initial.npz"), **{"conv1.weight": array})
    with pytest.raises(ValueError):
        initial_weights("CNN", 42)


def test_weights_and_outputs_are_left_as_plain_files(folder):
    exchange.save({"dense.weight": np.ones((2, 3))}, [[0.5, 0.5]])
    with np.load(str(folder / "weights.npz")) as file:
        assert file["dense.weight"].shape == (2, 3)
    assert np.load(str(folder / "outputs.npy")).tolist() == [[0.5, 0.5]]
