"""The protocol's models, loss and optimizers in float64 NumPy: the definition that notebooks are held to.

Written to be checked by eye. Weights have the names and layouts of common/weights.py, which also
has the values that training starts from (Glorot and Bengio, 2010). Dropout is off. All is computed
in float64, whatever comes in.

A layer takes its input and its own weights. It returns its output and a function `backward`, which
turns the gradient of the loss with respect to the output into that with respect to the input and
those of the weights by name (Rumelhart, Hinton and Williams, 1986).
In shapes, n counts examples, c channels, h and w rows and columns.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from common.params import MODELS
from common.weights import GRUS, RESNET50_STAGES

EPSILON_KINDS = ("after_correction", "before_correction")
BATCH_NORM_EPSILON = 1e-5
PIECE = 32  # examples whose forward pass is computed at a time, to bound memory

Weights = dict[str, np.ndarray]
Layer = tuple[Callable[..., Any], str | None]  # and the name of its weights
Backward = Callable[[np.ndarray], tuple[Any, Weights]]  # None for word numbers
PartBackward = Callable[[np.ndarray], tuple[np.ndarray, ...]]  # of a GRU's step


# The three models


def cnn(weights: Weights, x: np.ndarray) -> np.ndarray:
    """Logits (n, 10) of images (n, 3, 32, 32). In the style of Simonyan and Zisserman (2015)."""
    return _outputs(_layers("CNN"), weights, x)


def rnn(weights: Weights, x: np.ndarray, gru: str) -> np.ndarray:
    """Logits (n, 2) of word numbers (n, 150); `gru` is one of common.weights.GRUS.

    Zeros after the end of a review are words like any other: nothing is masked.
    """
    return _outputs(_layers("RNN", gru), weights, x)


def resnet50(weights: Weights, x: np.ndarray) -> np.ndarray:
    """Features (n, 2048) of images (n, 3, 224, 224): ResNet-50 (He et al., 2016) without classifier.

    Version 1.5: the stride is on the 3×3 convolution of a block (Gross and Wilber, 2016).
    """
    return _in_pieces(functools.partial(_resnet50, _float64(weights)), np.asarray(x))


def _layers(model: str, gru: str = "reset_after") -> list[Layer]:
    """[(layer, name of its weights)] of a model that is trained."""
    if model == "CNN":
        return [
            (convolution, "conv1"),
            (relu, None),
            (convolution, "conv2"),
            (max_pool, None),
            (relu, None),
            (convolution, "conv3"),
            (relu, None),
            (convolution, "conv4"),
            (max_pool, None),
            (relu, None),
            (flatten, None),
            (dense, "dense1"),
            (relu, None),
            (dense, "dense2"),
        ]
    if model == "RNN":
        return [
            (embedding, "embedding"),
            (functools.partial(gated_recurrent, kind=gru), "gru"),
            (dense, "dense"),
        ]
    raise ValueError(f"model is CNN or RNN, not {model!r}")


def _outputs(layers: list[Layer], weights: Weights, x: np.ndarray) -> np.ndarray:
    weights = _float64(weights)
    return _in_pieces(lambda piece: _forward(layers, weights, piece)[0], np.asarray(x))


def _forward(
    layers: list[Layer], weights: Weights, x: np.ndarray
) -> tuple[np.ndarray, list[tuple[str | None, Backward]]]:
    """The last layer's output, and [(name, backward)] of all layers."""
    backwards = []
    for layer, name in layers:
        x, backward = layer(x, **_own(weights, name))
        backwards.append((name, backward))
    return x, backwards


def _own(weights: Weights, name: str | None) -> Weights:
    """A layer's own weights: {"weight": …} for {"dense.weight": …} and "dense"."""
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): value
        for key, value in weights.items()
        if key.startswith(prefix)
    }


def _float64(weights: Weights) -> Weights:
    return {name: np.asarray(value, np.float64) for name, value in weights.items()}


def _in_pieces(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray
) -> np.ndarray:
    """function(x), which treats every example alone, a few of them at a time."""
    pieces = [x[start : start + PIECE] for start in range(0, len(x), PIECE)]
    return np.concatenate([function(piece) for piece in pieces])


# Layers


def dense(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, Backward]:
    """x (n, in), weight (out, in), bias (out,) -> (n, out)."""

    def backward(gradient: np.ndarray) -> tuple[np.ndarray, Weights]:
        return gradient @ weight, {"weight": gradient.T @ x, "bias": gradient.sum(0)}

    return x @ weight.T + bias, backward


def convolution(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, Backward]:
    """x (n, in, h, w), weight (out, in, size, size), bias (out,) -> (n, out, h, w)."""

    def backward(gradient: np.ndarray) -> tuple[np.ndarray, Weights]:
        # An input reaches the outputs around it through the kernel turned by 180 degrees.
        turned = weight[:, :, ::-1, ::-1].swapaxes(0, 1)
        windows = _windows(x, weight.shape[2])
        of_weight = np.einsum("nohw,nihwyx->oiyx", gradient, windows, optimize=True)
        return _convolve(gradient, turned), {
            "weight": of_weight,
            "bias": gradient.sum((0, 2, 3)),
        }

    return _convolve(x, weight) + bias[:, None, None], backward


def _convolve(x: np.ndarray, weight: np.ndarray, stride: int = 1) -> np.ndarray:
    """x (n, in, h, w), weight (out, in, size, size) -> (n, out, h / stride, w / stride).

    What neural networks call convolution: the kernel is not turned (LeCun et al., 1998). Zeros are
    padded alike on both sides, also where a stride follows.
    """
    windows = _windows(x, weight.shape[2], stride)
    return np.einsum("nihwyx,oiyx->nohw", windows, weight, optimize=True)


def _windows(
    x: np.ndarray, size: int, stride: int = 1, padding: float = 0.0
) -> np.ndarray:
    """What each output sees of x (n, c, h, w): (n, c, h / stride, w / stride, size, size)."""
    both = (size // 2, size // 2)
    x = np.asarray(x, np.float64)
    padded = np.pad(x, ((0, 0), (0, 0), both, both), constant_values=padding)
    windows = sliding_window_view(padded, (size, size), axis=(2, 3))
    return windows[:, :, ::stride, ::stride]


def max_pool(x: np.ndarray) -> tuple[np.ndarray, Backward]:
    """The largest of each 2×2: x (n, c, h, w) -> (n, c, h / 2, w / 2).

    The gradient goes to the place of the largest value, of equal ones to the first in reading order.
    """
    n, c, h, w = x.shape
    shape = (n, c, h // 2, w // 2, 4)
    squares = x.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(shape)
    largest = squares.argmax(-1)[..., None]

    def backward(gradient: np.ndarray) -> tuple[np.ndarray, Weights]:
        routed = np.zeros(shape)
        np.put_along_axis(routed, largest, gradient[..., None], -1)
        routed = routed.reshape(n, c, h // 2, w // 2, 2, 2)
        return routed.swapaxes(3, 4).reshape(x.shape), {}

    return np.take_along_axis(squares, largest, -1)[..., 0], backward


def relu(x: np.ndarray) -> tuple[np.ndarray, Backward]:
    """max(x, 0), whose gradient at 0 is 0; any shape (Nair and Hinton, 2010)."""
    return np.maximum(x, 0), lambda gradient: (gradient * (x > 0), {})


def flatten(x: np.ndarray) -> tuple[np.ndarray, Backward]:
    """x (n, c, h, w) -> (n, c h w), channel by channel and row by row."""
    return x.reshape(len(x), -1), lambda gradient: (gradient.reshape(x.shape), {})


def embedding(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Word numbers x (n, length), weight (vocabulary, size) -> (n, length, size)."""

    def backward(gradient: np.ndarray) -> tuple[None, Weights]:
        of_weight = np.zeros_like(weight)
        np.add.at(of_weight, x, gradient)  # a word that comes twice adds up
        return None, {"weight": of_weight}

    return weight[x], backward


def gated_recurrent(
    x: np.ndarray,
    weight_input: np.ndarray,
    weight_recurrent: np.ndarray,
    bias_input: np.ndarray,
    bias_recurrent: np.ndarray | None = None,
    *,
    kind: str,
) -> tuple[np.ndarray, Backward]:
    """x (n, length, in) -> the last state (n, units) of a GRU that starts from zeros.

    weight_input (3 units, in), weight_recurrent (3 units, units), both biases (3 units,), each
    stacked as reset, update, new; bias_recurrent for "reset_after" alone. In every step

        reset  = sigmoid(W_r x + b_r + U_r h + c_r)
        update = sigmoid(W_z x + b_z + U_z h + c_z)
        new    = tanh(W_n x + b_n + recurrent part)
        h      = (1 - update) * new + update * h

    (Cho et al., 2014; the recurrent part is reset * (U_n h + c_n) in arXiv:1406.1078v1 and cuDNN,
    U_n (reset * h) in v3). Gradients flow back through all steps (Werbos, 1990).
    """
    if kind not in GRUS:
        raise ValueError(f"gru is one of {', '.join(GRUS)}, not {kind!r}")
    if (kind == "reset_after") != (bias_recurrent is not None):
        raise ValueError("reset_after, and no other GRU, has a bias_recurrent")
    if bias_recurrent is None:
        bias_recurrent = np.zeros_like(bias_input)
    step = functools.partial(
        _step, weight_recurrent, bias_recurrent, kind == "reset_before"
    )
    inputs = x @ weight_input.T + bias_input
    state = np.zeros((len(x), weight_recurrent.shape[1]))
    steps = []
    for t in range(x.shape[1]):
        state, step_backward = step(inputs[:, t], state)
        steps.append(step_backward)

    def backward(gradient: np.ndarray) -> tuple[np.ndarray, Weights]:
        of_inputs = np.empty_like(inputs)
        of_weight, of_bias = np.zeros_like(weight_recurrent), np.zeros_like(bias_input)
        for t in reversed(range(len(steps))):
            gradient, of_inputs[:, t], weight_part, bias_part = steps[t](gradient)
            of_weight += weight_part
            of_bias += bias_part
        gradients = {
            "weight_input": np.einsum("ntg,nti->gi", of_inputs, x, optimize=True),
            "weight_recurrent": of_weight,
            "bias_input": of_inputs.sum((0, 1)),
        }
        if kind == "reset_after":
            gradients["bias_recurrent"] = of_bias
        return of_inputs @ weight_input, gradients

    return state, backward


def _step(
    weight: np.ndarray,
    bias: np.ndarray,
    reset_before: bool,
    inputs: np.ndarray,
    state: np.ndarray,
) -> tuple[np.ndarray, PartBackward]:
    """The next state (n, units) from W x + b (n, 3 units) and the state before.

    `backward` returns the gradients of the state before, of the inputs, of weight and of bias.
    """
    units = state.shape[1]
    gates, rest = slice(0, 2 * units), slice(2 * units, None)  # reset and update; new
    part = _part_reset_before if reset_before else _part_reset_after

    opened = _sigmoid(inputs[:, gates] + state @ weight[gates].T + bias[gates])
    reset, update = opened[:, :units], opened[:, units:]
    recurrent, part_backward = part(reset, state, weight[rest], bias[rest])
    new = np.tanh(inputs[:, rest] + recurrent)

    def backward(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        of_new = gradient * (1 - update) * (1 - new**2)
        of_update = gradient * (state - new)
        of_reset, of_state, of_weight, of_bias = part_backward(of_new)
        of_gates = np.hstack([of_reset, of_update]) * opened * (1 - opened)
        of_state = of_state + gradient * update + of_gates @ weight[gates]
        return (
            of_state,
            np.hstack([of_gates, of_new]),
            np.vstack([of_gates.T @ state, of_weight]),
            np.hstack([of_gates.sum(0), of_bias]),
        )

    return (1 - update) * new + update * state, backward


def _part_reset_after(
    reset: np.ndarray, state: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, PartBackward]:
    """The recurrent part of `new`, reset * (U h + c), with U (units, units) and c (units,).

    `backward` returns the gradients of reset, state, weight and bias.
    """
    product = state @ weight.T + bias

    def backward(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        of_product = gradient * reset
        return (
            gradient * product,
            of_product @ weight,
            of_product.T @ state,
            of_product.sum(0),
        )

    return reset * product, backward


def _part_reset_before(
    reset: np.ndarray, state: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, PartBackward]:
    """The same, U (reset * h) + c."""
    kept = reset * state

    def backward(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        of_kept = gradient @ weight
        return of_kept * state, of_kept * reset, gradient.T @ kept, gradient.sum(0)

    return kept @ weight.T + bias, backward


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), which cannot overflow in this form."""
    return 0.5 * (1 + np.tanh(0.5 * x))


# ResNet-50, forward only


def _resnet50(weights: Weights, x: np.ndarray) -> np.ndarray:
    x = np.maximum(_normed(weights, x, "conv1", "bn1", stride=2), 0)
    x = _windows(x, 3, stride=2, padding=-np.inf).max((4, 5))
    for stage, (blocks, _) in enumerate(RESNET50_STAGES, 1):
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _bottleneck(_own(weights, f"layer{stage}.{block}"), x, stride)
    return x.mean((2, 3))


def _bottleneck(weights: Weights, x: np.ndarray, stride: int) -> np.ndarray:
    """x (n, c, h, w) -> (n, 4 width, h / stride, w / stride)."""
    y = np.maximum(_normed(weights, x, "conv1", "bn1"), 0)
    y = np.maximum(_normed(weights, y, "conv2", "bn2", stride), 0)
    y = _normed(weights, y, "conv3", "bn3")
    if "downsample.0.weight" in weights:
        x = _normed(weights, x, "downsample.0", "downsample.1", stride)
    return np.maximum(y + x, 0)


def _normed(
    weights: Weights, x: np.ndarray, convolution: str, norm: str, stride: int = 1
) -> np.ndarray:
    """A convolution and its batch normalisation with running statistics (Ioffe and Szegedy, 2015)."""
    x = _convolve(x, weights[f"{convolution}.weight"], stride)
    scale, shift, mean, variance = (
        weights[f"{norm}.{vector}"][:, None, None]
        for vector in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + BATCH_NORM_EPSILON) * scale + shift


# Loss


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes) of logits (n, classes)."""
    return np.exp(_log_softmax(logits))


def cross_entropy(logits: np.ndarray, y: np.ndarray) -> float:
    """The mean over examples of -log(softmax) at the label; logits (n, classes), y (n,)."""
    return -_log_softmax(logits)[np.arange(len(y)), y].mean()


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = np.asarray(logits, np.float64)
    shifted = logits - logits.max(1, keepdims=True)  # so that exp cannot overflow
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def loss_and_gradients(
    model: str, weights: Weights, x: np.ndarray, y: np.ndarray, gru: str = "reset_after"
) -> tuple[float, Weights]:
    """The mean cross-entropy of a batch, and {name: its gradient, shaped like the weight}."""
    logits, backwards = _forward(_layers(model, gru), _float64(weights), np.asarray(x))
    gradient = softmax(logits)
    gradient[np.arange(len(y)), y] -= 1
    gradient /= len(y)
    gradients = {}
    for name, backward in reversed(backwards):
        gradient, own = backward(gradient)
        gradients.update({f"{name}.{key}": value for key, value in own.items()})
    return cross_entropy(logits, y), {name: gradients[name] for name in weights}


# Optimizers


class SGD:
    """Gradient descent with classical momentum (Polyak, 1964): no dampening, not Nesterov's."""

    def __init__(self, lr: float, momentum: float) -> None:
        self.lr, self.momentum = lr, momentum
        self.velocities = {}  # type: Weights

    def update(self, weights: Weights, gradients: Weights) -> Weights:
        """The weights after a step: v = momentum v + g, w = w - lr v, from v = 0."""
        updated = {}
        for name, gradient in gradients.items():
            velocity = self.momentum * self.velocities.get(name, 0.0) + gradient
            self.velocities[name] = velocity
            updated[name] = weights[name] - self.lr * velocity
        return updated


class Adam:
    """Adam (Kingma and Ba, 2015), which updates every weight, also where its gradient is zero.

    `epsilon_kind` tells where epsilon is added:
    "after_correction"   to the root of the second moment after its correction for the bias of the
                         start: the paper's algorithm 1
    "before_correction"  to the root of the uncorrected one, as in the more efficient order of
                         computation at the end of the paper's section 2; the same as an epsilon
                         that is larger in the first steps
    """

    def __init__(
        self,
        lr: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        epsilon_kind: str = "after_correction",
    ) -> None:
        if epsilon_kind not in EPSILON_KINDS:
            kinds = ", ".join(EPSILON_KINDS)
            raise ValueError(f"epsilon_kind is one of {kinds}, not {epsilon_kind!r}")
        self.lr, self.beta_1, self.beta_2 = lr, beta_1, beta_2
        self.epsilon, self.epsilon_kind = epsilon, epsilon_kind
        self.first, self.second = {}, {}  # type: Weights, Weights  # moments
        self.steps = 0

    def update(self, weights: Weights, gradients: Weights) -> Weights:
        """The weights after a step."""
        self.steps += 1
        updated = {}
        for name, gradient in gradients.items():
            self.first[name] = _moved(self.first.get(name, 0.0), gradient, self.beta_1)
            self.second[name] = _moved(
                self.second.get(name, 0.0), gradient**2, self.beta_2
            )
            change = self._change(self.first[name], self.second[name])
            updated[name] = weights[name] - self.lr * change
        return updated

    def _change(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        correction_1 = 1 - self.beta_1**self.steps
        correction_2 = 1 - self.beta_2**self.steps
        if self.epsilon_kind == "after_correction":
            root = np.sqrt(second / correction_2) + self.epsilon
            return first / correction_1 / root
        root = np.sqrt(second) + self.epsilon
        return np.sqrt(correction_2) / correction_1 * first / root


def _moved(average: np.ndarray | float, value: np.ndarray, beta: float) -> np.ndarray:
    """The exponential moving average after another value."""
    return beta * average + (1 - beta) * value


def train(
    model: str,
    weights: Weights,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    gru: str = "reset_after",
    epsilon_kind: str = "after_correction",
) -> tuple[list[float], Weights]:
    """A step of the protocol's optimizer on each (x, y) of batches.

    Returns the losses, each from before its step's update, and the weights at the end; the ones
    that are passed stay as they are. `gru` and `epsilon_kind` matter to the RNN alone.
    """
    optimizer = _optimizer(model, epsilon_kind)
    weights = _float64(weights)
    losses = []
    for x, y in batches:
        loss, gradients = loss_and_gradients(model, weights, x, y, gru)
        weights = optimizer.update(weights, gradients)
        losses.append(loss)
    return losses, weights


def _optimizer(model: str, epsilon_kind: str) -> SGD | Adam:
    values = MODELS[model]
    if model == "CNN":
        return SGD(values["LR"], values["MOMENTUM"])
    betas = values["BETA_1"], values["BETA_2"]
    return Adam(values["LR"], *betas, values["EPSILON"], epsilon_kind)
