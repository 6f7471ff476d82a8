"""The NumPy reference agrees with finite differences, with figures by hand, and with PyTorch in float64."""

import math
import os
import subprocess

import numpy as np
import pytest

from common.params import MODELS
from common.weights import GRUS, seeded_weights
from support import registry
from support.basics.errors import NotPossible
from support.basics.paths import ROOT
from support.environments import Pinned
from support.equivalence import reference

# Models so small that every weight can be tried.
TINY = {
    "CNN": {
        "conv1.weight": (4, 3, 3, 3),
        "conv1.bias": (4,),
        "conv2.weight": (4, 4, 3, 3),
        "conv2.bias": (4,),
        "conv3.weight": (5, 4, 3, 3),
        "conv3.bias": (5,),
        "conv4.weight": (5, 5, 3, 3),
        "conv4.bias": (5,),
        "dense1.weight": (6, 5 * 2 * 2),
        "dense1.bias": (6,),
        "dense2.weight": (10, 6),
        "dense2.bias": (10,),
    },
    "RNN": {
        "embedding.weight": (6, 4),
        "gru.weight_input": (9, 4),
        "gru.weight_recurrent": (9, 3),
        "gru.bias_input": (9,),
        "gru.bias_recurrent": (9,),
        "dense.weight": (2, 3),
        "dense.bias": (2,),
    },
}
STEP = 1e-6  # of finite differences


def tiny(model, gru="reset_after"):
    """(weights, x, y) of the small model."""
    random = np.random.RandomState(7)
    weights = {
        name: random.uniform(-1, 1, shape)
        for name, shape in TINY[model].items()
        if gru == "reset_after" or name != "gru.bias_recurrent"
    }
    if model == "CNN":
        return weights, random.standard_normal((3, 3, 8, 8)), np.array([4, 0, 9])
    # word 1 comes twice in a review, word 5 nowhere, and 0 is a word
    return weights, np.array([[1, 2, 1, 4, 0], [3, 0, 2, 2, 4]]), np.array([1, 0])


def logits_of(model, weights, x, gru):
    if model == "CNN":
        return reference.cnn(weights, x)
    return reference.rnn(weights, x, gru)


@pytest.mark.parametrize(
    "model, gru", [("CNN", "reset_after"), *(("RNN", gru) for gru in GRUS)]
)
def test_gradients_are_finite_differences_of_the_loss(model, gru):
    weights, x, y = tiny(model, gru)

    def loss():
        return reference.cross_entropy(logits_of(model, weights, x, gru), y)

    found, gradients = reference.loss_and_gradients(model, weights, x, y, gru)
    assert found == loss()
    assert list(gradients) == list(weights)
    for name, weight in weights.items():
        expected = np.empty_like(weight)
        for index in np.ndindex(weight.shape):
            value = weight[index]
            weight[index] = value + STEP
            above = loss()
            weight[index] = value - STEP
            below = loss()
            weight[index] = value
            expected[index] = (above - below) / (2 * STEP)
        assert expected.any(), name
        np.testing.assert_allclose(
            gradients[name], expected, rtol=1e-6, atol=1e-9, err_msg=name
        )


def gru_unit_by_unit(weights, words, kind):
    """The last state of one review, written out without a matrix."""
    state = [0.0] * 3

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    def from_word(row, word):
        kernel = weights["gru.weight_input"][row]
        return sum(kernel * weights["embedding.weight"][word]) + bias("input", row)

    def from_state(row, state):
        kernel = weights["gru.weight_recurrent"][row]
        return sum(kernel[j] * state[j] for j in range(3)) + bias("recurrent", row)

    def bias(name, row):
        return weights[f"gru.bias_{name}"][row] if f"gru.bias_{name}" in weights else 0

    def opened(row, word):
        return sigmoid(from_word(row, word) + from_state(row, state))

    for word in words:
        reset = [opened(unit, word) for unit in range(3)]
        update = [opened(3 + unit, word) for unit in range(3)]
        new = []
        for unit in range(3):
            if kind == "reset_before":
                kept = [reset[j] * state[j] for j in range(3)]
                recurrent = from_state(6 + unit, kept)
            else:
                recurrent = reset[unit] * from_state(6 + unit, state)
            new.append(math.tanh(from_word(6 + unit, word) + recurrent))
        state = [(1 - z) * n + z * h for z, n, h in zip(update, new, state)]
    return state


@pytest.mark.parametrize("kind", GRUS)
def test_a_gru_follows_its_equations(kind):
    weights, x, _ = tiny("RNN", kind)
    states = np.array([gru_unit_by_unit(weights, words, kind) for words in x])
    expected = states @ weights["dense.weight"].T + weights["dense.bias"]
    np.testing.assert_allclose(
        reference.rnn(weights, x, kind), expected, rtol=1e-12, atol=0
    )


def test_weights_of_another_kind_of_gru_are_refused():
    weights, x, _ = tiny("RNN", "reset_after")
    for kind in ("reset_before", "reset_after_one_bias"):
        with pytest.raises(ValueError, match="bias_recurrent"):
            reference.rnn(weights, x, kind)
    with pytest.raises(ValueError, match="reset_around"):
        reference.rnn(weights, x, "reset_around")


def test_a_convolution_does_not_turn_its_kernel_and_pads_both_sides_alike():
    """This kernel takes the neighbour to the upper left."""
    x = np.arange(1.0, 17).reshape(1, 1, 4, 4)
    kernel = np.zeros((1, 1, 3, 3))
    kernel[0, 0, 0, 0] = 1
    expected = [[0, 0, 0, 0], [0, 1, 2, 3], [0, 5, 6, 7], [0, 9, 10, 11]]
    found, _ = reference.convolution(x, kernel, np.array([0.5]))
    assert (found[0, 0] - 0.5).tolist() == expected
    strided = reference._convolve(x, kernel, stride=2)
    assert strided[0, 0].tolist() == [[0, 0], [0, 6]]


def test_a_pooled_gradient_goes_to_the_largest_and_to_the_first_of_equals():
    x = np.array([[1, 2, 5, 5], [4, 3, 5, 5], [0, 0, -1, -3], [0, 7, -2, -4]])
    pooled, backward = reference.max_pool(x[None, None].astype(float))
    assert pooled[0, 0].tolist() == [[4, 5], [7, -1]]
    gradient, _ = backward(np.array([[[[10.0, 20], [30, 40]]]]))
    assert gradient[0, 0].tolist() == [
        [0, 0, 20, 0],
        [10, 0, 0, 0],
        [0, 0, 40, 0],
        [0, 30, 0, 0],
    ]


def test_relu_has_no_gradient_at_zero():
    positive, backward = reference.relu(np.array([-2.0, 0, 3]))
    assert positive.tolist() == [0, 0, 3]
    assert backward(np.ones(3))[0].tolist() == [0, 0, 1]


def test_softmax_and_loss_by_hand_also_where_exp_overflows():
    logits = np.log([[1.0, 3], [4, 1]])
    np.testing.assert_allclose(
        reference.softmax(logits), [[0.25, 0.75], [0.8, 0.2]], rtol=1e-14
    )
    loss = reference.cross_entropy(logits + 1e4, np.array([1, 1]))
    assert loss == pytest.approx(-(math.log(0.75) + math.log(0.2)) / 2, rel=1e-10)


def test_two_steps_of_momentum_by_hand():
    sgd = reference.SGD(lr=0.1, momentum=0.9)
    once = sgd.update({"w": np.array([1.0])}, {"w": np.array([1.0])})
    assert once["w"] == pytest.approx(1 - 0.1 * 1)
    twice = sgd.update(once, {"w": np.array([2.0])})
    assert twice["w"] == pytest.approx(0.9 - 0.1 * (0.9 * 1 + 2))


def test_adam_s_first_step_by_hand():
    """It is lr g / (|g| + epsilon); epsilon counts 1 / sqrt(1 - beta_2) = 10 times before correction."""
    steps = {}
    for kind in reference.EPSILON_KINDS:
        adam = reference.Adam(0.5, 0.9, 0.99, epsilon=1e-8, epsilon_kind=kind)
        gradient = np.array([1e-7, -1e-7, 1.0, 0.0])
        steps[kind] = -adam.update({"w": np.zeros(4)}, {"w": gradient})["w"] / 0.5
    expected = {"after_correction": 1 / 1.1, "before_correction": 1 / 2}
    for kind, first in expected.items():
        np.testing.assert_allclose(
            steps[kind], [first, -first, 1, 0], rtol=2e-7, atol=0
        )


def test_adam_s_two_kinds_differ_by_the_correction_of_epsilon():
    before = reference.Adam(0.1, 0.9, 0.99, 1e-3, "before_correction")
    after = reference.Adam(0.1, 0.9, 0.99, 1e-3, "after_correction")
    weights, random = {"w": np.ones(5)}, np.random.RandomState(0)
    for t in range(1, 6):
        gradients = {"w": random.standard_normal(5) * 1e-3}
        after.epsilon = 1e-3 / math.sqrt(1 - 0.99**t)
        np.testing.assert_allclose(
            before.update(weights, gradients)["w"],
            after.update(weights, gradients)["w"],
            rtol=1e-14,
        )
    with pytest.raises(ValueError, match="epsilon_kind"):
        reference.Adam(0.1, 0.9, 0.99, 1e-3, "never")


@pytest.mark.parametrize("kind, factor", [("after", 1), ("before", 0.001**-0.5)])
def test_training_takes_the_kind_of_gru_and_of_epsilon(kind, factor):
    weights, x, y = tiny("RNN", "reset_before")
    weights["embedding.weight"] *= 1e-6  # for gradients not far from epsilon
    loss, gradients = reference.loss_and_gradients("RNN", weights, x, y, "reset_before")
    losses, trained = reference.train(
        "RNN", weights, [(x, y)], "reset_before", f"{kind}_correction"
    )
    assert losses == [loss]
    for name, g in gradients.items():
        step = 0.001 * g / (np.abs(g) + 1e-8 * factor)
        np.testing.assert_allclose(
            trained[name] - weights[name], -step, rtol=1e-8, atol=1e-15
        )


@pytest.mark.parametrize("model", ["CNN", "RNN"])
def test_training_computes_in_float64_and_leaves_what_it_is_given(model):
    weights, x, y = tiny(model)
    single = {name: value.astype(np.float32) for name, value in weights.items()}
    double = {name: value.astype(np.float64) for name, value in single.items()}
    x_single, x_double = x, x
    if model == "CNN":
        x_single = x.astype(np.float32)
        x_double = x_single.astype(np.float64)
    losses, trained = reference.train(model, single, [(x_single, y)] * 3)
    expected_losses, expected = reference.train(model, double, [(x_double, y)] * 3)
    assert losses == expected_losses and losses[2] < losses[0]
    for name, value in weights.items():
        assert trained[name].dtype == np.float64
        assert trained[name].tobytes() == expected[name].tobytes()
        assert (trained[name] != single[name]).any()
        given = value.astype(np.float32)
        assert single[name].tobytes() == given.tobytes()
        assert double[name].tobytes() == given.astype(np.float64).tobytes()


def test_examples_do_not_depend_on_their_neighbours():
    """More of them than are computed at a time."""
    weights, x, _ = tiny("CNN")
    many = np.concatenate([x + shift for shift in np.linspace(0, 1, 15)])
    assert len(many) > reference.PIECE
    alone = [reference.cnn(weights, one[None])[0] for one in many]
    np.testing.assert_allclose(reference.cnn(weights, many), alone, rtol=1e-12)


# PyTorch, in its own environment. Reads FOLDER/{CNN,RNN,Inference}.npz, writes …_expected.npz.
PYTORCH = """
import sys
import numpy as np
import torch
import torch.nn.functional as F
from common.params import MODELS
from common.weights import seeded_weights

FOLDER = sys.argv[1]
NAMES = {"weight_ih_l0": "weight_input", "weight_hh_l0": "weight_recurrent",
         "bias_ih_l0": "bias_input", "bias_hh_l0": "bias_recurrent"}


def load(model):
    with np.load(f"{FOLDER}/{model}.npz") as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    x, y = arrays.pop("x"), arrays.pop("y")
    return {name: w.double().requires_grad_() for name, w in arrays.items()}, x, y


def train(model, weights, forward, optimizer, xs, ys):
    logits, losses = forward(xs[0]).detach(), []
    for x, y in zip(xs, ys):
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    weights = {name: w.detach().numpy() for name, w in weights.items()}
    np.savez(f"{FOLDER}/{model}_expected.npz", outputs=logits, losses=losses, **weights)


def cnn():
    w, x, y = load("CNN")

    def conv(x, name):
        return F.conv2d(x, w[name + ".weight"], w[name + ".bias"], padding=1)

    def dense(x, name):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def forward(x):
        x = F.relu(F.max_pool2d(conv(F.relu(conv(x.double(), "conv1")), "conv2"), 2))
        x = F.relu(F.max_pool2d(conv(F.relu(conv(x, "conv3")), "conv4"), 2))
        return dense(F.relu(dense(x.flatten(1), "dense1")), "dense2")

    p = MODELS["CNN"]
    optimizer = torch.optim.SGD(w.values(), lr=p["LR"], momentum=p["MOMENTUM"])
    train("CNN", w, forward, optimizer, x, y)


def rnn():
    w, x, y = load("RNN")
    p = MODELS["RNN"]
    gru = torch.nn.GRU(p["EMBEDDING"], p["HIDDEN"], batch_first=True).double()
    gru.load_state_dict({theirs: w["gru." + ours] for theirs, ours in NAMES.items()})
    for theirs, ours in NAMES.items():
        w["gru." + ours] = getattr(gru, theirs)

    def forward(x):
        _, last = gru(F.embedding(x, w["embedding.weight"]))
        return F.linear(last[0], w["dense.weight"], w["dense.bias"])

    betas = p["BETA_1"], p["BETA_2"]
    optimizer = torch.optim.Adam(w.values(), p["LR"], betas, p["EPSILON"])
    train("RNN", w, forward, optimizer, x, y)


def resnet50():
    w = {k: torch.from_numpy(v).double() for k, v in seeded_weights("Inference", 3).items()}

    def normed(x, conv, norm, stride=1):
        kernel = w[conv + ".weight"]
        x = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[2] // 2)
        vectors = [w[f"{norm}.{v}"] for v in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *vectors, eps=1e-5)

    x = torch.from_numpy(np.load(f"{FOLDER}/Inference.npz")["x"]).double()
    x = F.max_pool2d(F.relu(normed(x, "conv1", "bn1", 2)), 3, stride=2, padding=1)
    blocks = [name[:-len("conv1.weight")] for name in w if name.endswith(".conv1.weight")]
    for b in blocks:
        stride = 2 if b in ("layer2.0.", "layer3.0.", "layer4.0.") else 1
        y = F.relu(normed(x, b + "conv1", b + "bn1"))
        y = normed(F.relu(normed(y, b + "conv2", b + "bn2", stride)), b + "conv3", b + "bn3")
        if b.endswith(".0."):
            x = normed(x, b + "downsample.0", b + "downsample.1", stride)
        x = F.relu(x + y)
    np.savez(f"{FOLDER}/Inference_expected.npz", outputs=x.mean((2, 3)))


cnn(), rnn(), resnet50()
"""


def start(model):
    """(weights, x, y) of four batches; biases are not left at zero, where mixing them up is harmless."""
    random = np.random.RandomState(3)
    weights = seeded_weights(model, 3)
    for name in weights:
        if "bias" in name:
            weights[name] += random.uniform(-0.1, 0.1, weights[name].shape)
    if model == "CNN":
        x = random.uniform(0, 1, (4, 8, 3, 32, 32)).astype(np.float32)
        return weights, x, random.randint(0, 10, (4, 8))
    x = random.randint(1, MODELS["RNN"]["VOCABULARY"], (4, 8, 60))
    x[:, ::2, 40:] = 0
    x[:, :, 5:9] = 17
    return weights, x, random.randint(0, 2, (4, 8))


IMAGES = np.random.RandomState(3).standard_normal((2, 3, 64, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def pytorch(tmp_path_factory):
    """A function: model -> {"outputs": …, "losses": …, weight's name: …} as PyTorch has them."""
    environment = Pinned(registry.frameworks()["PyTorch"].environment, "cpu")
    try:
        environment.prepare(print)
    except NotPossible as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("pytorch")
    np.savez(folder / "Inference.npz", x=IMAGES)
    for model in ("CNN", "RNN"):
        weights, x, y = start(model)
        np.savez(folder / f"{model}.npz", x=x, y=y, **weights)
    done = subprocess.run(
        [*environment.command, "-c", PYTORCH, folder],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # so little is slower with more
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr

    def expected(model):
        with np.load(folder / f"{model}_expected.npz") as file:
            return dict(file)

    return expected


def assert_close(actual, expected, name=""):
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("model", ["CNN", "RNN"])
def test_training_is_pytorch_s(pytorch, model):
    expected = pytorch(model)
    weights, x, y = start(model)
    outputs = logits_of(model, weights, x[0], "reset_after")
    assert_close(outputs, expected.pop("outputs"))
    losses, trained = reference.train(model, weights, zip(x, y))
    assert_close(losses, expected.pop("losses"))
    assert set(trained) == set(expected)
    for name, value in expected.items():
        assert_close(trained[name], value, name)


def test_resnet50_s_features_are_pytorch_s(pytorch):
    features = reference.resnet50(seeded_weights("Inference", 3), IMAGES)
    assert features.shape == (2, 2048)
    assert_close(features, pytorch("Inference")["outputs"])
