import hashlib

import numpy as np
import pytest

from common import assert_same_weights, sources, weights
from common.params import PARAMETERS
from common.weights import count_parameters, initial_weights

RNN_SHAPES = {
    "embedding.weight": (30000, 125),
    "gru.weight_input": (300, 125),
    "gru.weight_recurrent": (300, 100),
    "gru.bias_input": (300,),
    "gru.bias_recurrent": (300,),
    "dense.weight": (2, 100),
    "dense.bias": (2,),
}
CNN_SHAPES = {
    "conv1.weight": (50, 3, 3, 3),
    "conv1.bias": (50,),
    "conv2.weight": (50, 50, 3, 3),
    "conv2.bias": (50,),
    "conv3.weight": (100, 50, 3, 3),
    "conv3.bias": (100,),
    "conv4.weight": (100, 100, 3, 3),
    "conv4.bias": (100,),
    "dense1.weight": (512, 6400),
    "dense1.bias": (512,),
    "dense2.weight": (10, 512),
    "dense2.bias": (10,),
}


@pytest.fixture(scope="module")
def cnn():
    return initial_weights("CNN", 42)


@pytest.fixture(scope="module")
def rnn():
    return initial_weights("RNN", 42)


@pytest.fixture(scope="module")
def resnet50():
    return weights.seeded_resnet50(42)


def shapes(arrays):
    return {name: array.shape for name, array in arrays.items()}


def sha256(arrays):
    checksum = hashlib.sha256()
    for name, array in arrays.items():
        checksum.update(name.encode() + array.astype("<f4").tobytes())
    return checksum.hexdigest()


def test_cnn_has_the_protocols_shapes(cnn):
    assert shapes(cnn) == CNN_SHAPES
    assert count_parameters(cnn) == PARAMETERS["CNN"]


def test_rnn_has_the_protocols_shapes(rnn):
    assert shapes(rnn) == RNN_SHAPES
    assert count_parameters(rnn) == PARAMETERS["RNN"]


@pytest.mark.parametrize("gru", ["reset_before", "reset_after_one_bias"])
def test_other_grus_have_no_recurrent_bias(rnn, gru):
    other = initial_weights("RNN", 42, gru=gru)
    assert_same_weights(
        other, {k: v for k, v in rnn.items() if k != "gru.bias_recurrent"}
    )
    assert count_parameters(other) == PARAMETERS["RNN"] - 300


def test_unknown_gru_is_refused():
    with pytest.raises(ValueError, match="reset_around"):
        initial_weights("RNN", 42, gru="reset_around")


def test_resnet50_has_torchvisions_shapes(resnet50):
    found = shapes(resnet50)
    assert (
        len(found) == 53 * 5
    )  # convolutions, each with four vectors of its batch norm
    assert list(found)[:3] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    for name, shape in {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.running_var": (64,),
        "layer1.0.conv1.weight": (64, 64, 1, 1),
        "layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "layer1.2.conv1.weight": (64, 256, 1, 1),
        "layer2.0.conv1.weight": (128, 256, 1, 1),
        "layer2.0.conv2.weight": (128, 128, 3, 3),
        "layer3.0.downsample.1.running_mean": (1024,),
        "layer3.5.bn3.bias": (1024,),
        "layer4.2.conv3.weight": (2048, 512, 1, 1),
    }.items():
        assert found[name] == shape, name
    assert count_parameters(resnet50) == PARAMETERS["Inference"]


@pytest.mark.parametrize(
    "model, gru, expected",
    [
        (
            "CNN",
            "reset_after",
            "61dc250b4bc3642d6d8be2b05ff2c0039ecf49b5af1110b602dcbacd8c2f33e1",
        ),
        (
            "RNN",
            "reset_after",
            "a980f14685000ceb29ad6e282638c07721c8fb35c1c69b5c69756f02d8057de7",
        ),
        (
            "RNN",
            "reset_before",
            "dfd0ff7e32cd43822757a89cc5a7e40e48ab9c637b698316d2c7810e5b4b6915",
        ),
    ],
)
def test_a_seed_gives_the_same_bits_on_every_version(model, gru, expected):
    assert sha256(initial_weights(model, 42, gru)) == expected


def test_a_seed_gives_resnet50_nearly_the_same_values_on_every_version(resnet50):
    # The normal distribution asks the platform's logarithm: the last bit may differ.
    for name, values in {
        "conv1.weight": [0.0579379164, -0.0161274765, 0.0755479261],
        "layer4.2.conv3.weight": [0.00234209211, -0.0255735125, 0.0548040606],
        "layer4.2.bn3.running_var": [1.07980025, 1.09939706, 0.908113122],
    }.items():
        found = resnet50[name].ravel()[:3]
        np.testing.assert_allclose(found, values, rtol=1e-6, err_msg=name)


def test_another_seed_gives_other_weights(cnn):
    other = initial_weights("CNN", 43)
    assert not np.isclose(other["conv1.weight"], cnn["conv1.weight"]).any()
    assert (cnn.source, other.source) == ("seed 42", "seed 43")


@pytest.mark.parametrize(
    "name, fans",
    [("conv1", 27 + 450), ("conv4", 900 + 900), ("dense1", 6400 + 512)],
)
def test_kernels_are_glorot_uniform_and_biases_zero(cnn, name, fans):
    kernel, limit = cnn[name + ".weight"].astype(float), (6.0 / fans) ** 0.5
    assert 0.99 * limit < abs(kernel).max() <= limit * (1 + 1e-6)
    assert kernel.std() == pytest.approx(limit / 3**0.5, rel=0.05)
    assert not cnn[name + ".bias"].any()


def test_gates_are_glorot_uniform_each_on_its_own(rnn):
    for name, inputs in (("gru.weight_input", 125), ("gru.weight_recurrent", 100)):
        limit = (6.0 / (100 + inputs)) ** 0.5
        for gate in np.split(rnn[name].astype(float), 3):
            assert 0.99 * limit < abs(gate).max() <= limit * (1 + 1e-6)
            assert gate.std() == pytest.approx(limit / 3**0.5, rel=0.05)
    assert 0.0499 < abs(rnn["embedding.weight"]).max() <= 0.0500001


def test_all_weights_are_float32(cnn, rnn, resnet50):
    for arrays in (cnn, rnn, resnet50):
        assert {array.dtype.name for array in arrays.values()} == {"float32"}


def test_running_statistics_are_not_counted():
    vector = np.zeros(5)
    named = {
        "bn1.weight": vector,
        "bn1.running_mean": vector,
        "bn1.running_var": vector,
    }
    assert count_parameters(named) == 5


# Sameness


@pytest.fixture
def pair():
    """Two dictionaries of the same weights, the second a copy."""
    expected = {
        "a": np.array([0, np.nan], np.float32),
        "b": np.ones((2, 3), np.float32),
    }
    return {name: value.copy() for name, value in expected.items()}, expected


def test_equal_bits_are_the_same_in_any_memory_order(pair):
    actual, expected = pair
    actual["b"] = np.asfortranarray(actual["b"])
    assert_same_weights(actual, expected)


def transposed(array):
    return array.T


def one_bit_off(array):
    array.flat[-1] = np.nextafter(array.flat[-1], np.float32(9))
    return array


def in_double(array):
    return array.astype(np.float64)


@pytest.mark.parametrize("change", [transposed, one_bit_off, in_double])
def test_the_tensor_that_differs_is_named(pair, change):
    actual, expected = pair
    actual["b"] = change(actual["b"])
    with pytest.raises(AssertionError, match=r"^b: "):
        assert_same_weights(actual, expected)


def test_a_zero_of_the_other_sign_differs(pair):
    actual, expected = pair
    actual["a"][0] = -0.0
    with pytest.raises(AssertionError, match=r"^a: "):
        assert_same_weights(actual, expected)


def test_missing_and_surplus_tensors_are_named(pair):
    actual, expected = pair
    actual["surplus"] = actual.pop("a")
    with pytest.raises(AssertionError, match=r"\['a', 'surplus'\]"):
        assert_same_weights(actual, expected)


# ResNet-50's official file


@pytest.fixture
def small_resnet50(monkeypatch):
    """Let ResNet-50 have only two tensors, which the stored checkpoints contain."""
    small = {"conv1.weight": (4, 3), "bn1.running_var": (2,)}
    monkeypatch.setattr(weights, "resnet50_shapes", lambda: small)


@pytest.fixture
def official(small_resnet50, checkpoint, data_folder, monkeypatch):
    """Put a checkpoint into the data folder that passes for the official file."""
    with open(checkpoint("zip.pth"), "rb") as file:
        content = file.read()
    checksum = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(sources, "RESNET50_SHA256", checksum)
    path = data_folder / "resnet50-0676ba61.pth"
    path.write_bytes(content)
    return path


def test_the_official_file_is_used_where_it_is(official):
    found = initial_weights("Inference", 42)
    assert shapes(found) == {"conv1.weight": (4, 3), "bn1.running_var": (2,)}
    assert found["bn1.running_var"].tolist() == [0.75, 1.25]
    assert found.source == "torchvision IMAGENET1K_V1"


def test_the_official_file_is_downloaded(official, server, monkeypatch):
    server.content = official.read_bytes()
    official.unlink()
    url = server.url.replace("file.bin", official.name)
    monkeypatch.setattr(sources, "RESNET50_URL", url)
    monkeypatch.delenv("ROSETTA_DOWNLOAD")
    assert initial_weights("Inference", 42).source.startswith("torchvision")
    assert official.read_bytes() == server.content


def test_without_the_official_file_weights_are_seeded_and_say_so(
    small_resnet50, capsys
):
    found = initial_weights("Inference", 42)
    assert found.source == "seed 42 (not trained)"
    assert_same_weights(found, weights.seeded_resnet50(42))
    assert "resnet50-0676ba61.pth" in capsys.readouterr().out


def test_a_corrupt_official_file_is_not_used(official, capsys):
    official.write_bytes(official.read_bytes()[:-1])
    assert "not trained" in initial_weights("Inference", 42).source
    assert "{} is not the official file".format(official) in capsys.readouterr().out
