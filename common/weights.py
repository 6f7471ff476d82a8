"""One naming and one layout of weights per model, and the values that training starts from.

Every notebook's `weights` cell translates between these and its framework's own. The layouts are
PyTorch's: convolution kernels (out, in, height, width); dense kernels (out, in); the features that
reach the first dense layer are flattened from (channel, row, column); a GRU's gates are stacked as
reset, update, new.

CNN        conv1 … conv4 and dense1, dense2, each `.weight` and `.bias`
RNN        embedding.weight (vocabulary, 125); gru.weight_input (300, 125);
           gru.weight_recurrent (300, 100); gru.bias_input (300,); gru.bias_recurrent (300,);
           dense.weight (2, 100); dense.bias (2,)
Inference  torchvision's names for ResNet-50 without `fc`: conv1, bn1, layer1.0.conv1 …

GRUs come in three kinds. "reset_after" multiplies the reset gate into the recurrent product,
n = tanh(W_n x + b_n + r * (U_n h + c_n)); "reset_before" multiplies it into the state that goes into
the product, n = tanh(W_n x + b_n + U_n (r * h)), and has no bias_recurrent;
"reset_after_one_bias" is the first without it, n = tanh(W_n x + b_n + r * (U_n h)).
"""

import numpy as np

from common import exchange, sources
from common.files import DataError
from common.params import MODELS
from common.unpickle import load_torch

GRUS = ("reset_after", "reset_before", "reset_after_one_bias")
RESNET50_STAGES = (
    (3, 64),
    (4, 128),
    (6, 256),
    (3, 512),
)  # blocks, width; outputs are 4 x width


class Weights(dict):
    """Float32 arrays by common name, and `source`: where the values come from."""

    source = None


def initial_weights(model, seed, gru="reset_after"):
    """The weights that every framework starts from.

    CNN and RNN: kernels Glorot-uniform (per gate for the GRU), embeddings uniform in ±0.05, biases
    zero. Inference: the official torchvision file if it can be had, else `seeded_resnet50`.
    Where a parity or transfer run gives weights (see exchange.py), those. The same seed gives the same bits on every version of Python and NumPy.
    """
    seeded = seeded_weights(model, seed, gru)
    given = exchange.initial(seeded)
    if given:
        weights = Weights(given)
        weights.source = "a file"
        return weights
    return (_official_resnet50() if model == "Inference" else None) or seeded


def seeded_weights(model, seed, gru="reset_after"):
    """`initial_weights`, without a look at any file."""
    random = np.random.RandomState(seed)
    if model == "CNN":
        weights = _seeded_cnn(random)
    elif model == "RNN":
        weights = _seeded_rnn(random, gru)
    elif model == "Inference":
        return seeded_resnet50(seed)
    else:
        raise ValueError("model is CNN, RNN or Inference, not {!r}".format(model))
    weights.source = "seed {}".format(seed)
    return weights


def count_parameters(weights):
    """How many numbers are trained; batch normalisation's running statistics are not."""
    return int(sum(w.size for name, w in weights.items() if ".running_" not in name))


def assert_same_weights(actual, expected):
    """Raise AssertionError, naming the first difference, unless both hold the same bits."""
    assert set(actual) == set(expected), "names differ: {}".format(
        sorted(set(actual) ^ set(expected))
    )
    for name in expected:
        a, b = np.asarray(actual[name]), expected[name]
        assert a.shape == b.shape, "{}: shape {}, expected {}".format(
            name, a.shape, b.shape
        )
        assert a.dtype == b.dtype, "{}: {}, expected {}".format(name, a.dtype, b.dtype)
        assert a.tobytes() == b.tobytes(), "{}: values differ".format(name)


def _glorot(random, shape):
    """Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010); float32, (out, in, …)."""
    receptive = int(np.prod(shape[2:]))
    limit = np.sqrt(6.0 / ((shape[0] + shape[1]) * receptive))
    return random.uniform(-limit, limit, shape).astype(np.float32)


def _seeded_cnn(random):
    weights = Weights()
    shapes = {
        "conv1": (50, 3, 3, 3),
        "conv2": (50, 50, 3, 3),
        "conv3": (100, 50, 3, 3),
        "conv4": (100, 100, 3, 3),
        "dense1": (512, 100 * 8 * 8),
        "dense2": (10, 512),
    }
    for name, shape in shapes.items():
        weights[name + ".weight"] = _glorot(random, shape)
        weights[name + ".bias"] = np.zeros(shape[0], np.float32)
    return weights


def _seeded_rnn(random, gru):
    if gru not in GRUS:
        raise ValueError("gru is one of {}, not {!r}".format(", ".join(GRUS), gru))
    rnn = MODELS["RNN"]
    vocabulary, embedding, hidden = rnn["VOCABULARY"], rnn["EMBEDDING"], rnn["HIDDEN"]

    def gates(inputs):
        return np.concatenate([_glorot(random, (hidden, inputs)) for _ in range(3)])

    weights = Weights()
    weights["embedding.weight"] = random.uniform(
        -0.05, 0.05, (vocabulary, embedding)
    ).astype(np.float32)
    weights["gru.weight_input"] = gates(embedding)
    weights["gru.weight_recurrent"] = gates(hidden)
    weights["gru.bias_input"] = np.zeros(3 * hidden, np.float32)
    if gru == "reset_after":
        weights["gru.bias_recurrent"] = np.zeros(3 * hidden, np.float32)
    weights["dense.weight"] = _glorot(random, (2, hidden))
    weights["dense.bias"] = np.zeros(2, np.float32)
    return weights


def resnet50_shapes():
    """Common name -> shape of ResNet-50's weights without the classifier, in torchvision's order."""
    shapes = {}

    def convolution(name, norm, out, into, size):
        shapes[name + ".weight"] = (out, into, size, size)
        for vector in ("weight", "bias", "running_mean", "running_var"):
            shapes[norm + "." + vector] = (out,)

    convolution("conv1", "bn1", 64, 3, 7)
    into = 64
    for stage, (blocks, width) in enumerate(RESNET50_STAGES, 1):
        for block in range(blocks):
            prefix = "layer{}.{}.".format(stage, block)
            convolution(prefix + "conv1", prefix + "bn1", width, into, 1)
            convolution(prefix + "conv2", prefix + "bn2", width, width, 3)
            convolution(prefix + "conv3", prefix + "bn3", 4 * width, width, 1)
            if block == 0:
                convolution(
                    prefix + "downsample.0", prefix + "downsample.1", 4 * width, into, 1
                )
            into = 4 * width
    return shapes


def seeded_resnet50(seed):
    """He-normal kernels (He et al., 2015) and batch-norm vectors that keep activations in range.

    The last batch norm of each block is scaled to a quarter, as 16 residual sums of full
    size would double the variance 16 times. All four vectors vary, so that mixing them up shows.
    """
    random = np.random.RandomState(seed)
    weights = Weights()
    for name, shape in resnet50_shapes().items():
        if len(shape) == 4:
            value = random.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))
        elif name.endswith((".running_var", ".weight")):
            value = random.uniform(0.9, 1.1, shape) * (
                0.25 if name.endswith("bn3.weight") else 1
            )
        else:
            value = random.uniform(-0.1, 0.1, shape)
        weights[name] = value.astype(np.float32)
    weights.source = "seed {} (not trained)".format(seed)
    return weights


def _official_resnet50():
    try:
        path = sources.find_resnet50()
    except DataError as error:
        print("ResNet-50 with seeded weights: {}".format(error))
        return None
    tensors = load_torch(path)
    weights = Weights((name, tensors[name]) for name in resnet50_shapes())
    weights.source = "torchvision IMAGENET1K_V1"
    return weights
