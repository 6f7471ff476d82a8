"""Floating-point operations of the protocol's models, from the shapes of their layers.

Counted are the multiplications and additions of convolutions and matrix products, which are what
takes the time; biases, activations, pooling, normalisation, dropout, look-ups and the optimizer are
not. An algorithm that needs fewer (Winograd's convolution) is counted as if it had done them all.
"""

from typing import NamedTuple

from common.params import MODELS
from common.weights import RESNET50_STAGES


class Layer(NamedTuple):
    """A matrix product of `rows` × `inputs` with `inputs` × `outputs`, for one example.

    A convolution has a row for each output pixel, a GRU one for each word.
    """

    rows: int
    inputs: int
    outputs: int

    @property
    def multiply_adds(self) -> int:
        return self.rows * self.inputs * self.outputs


def layers(model: str) -> list[Layer]:
    """The layers of a model, in their order."""
    return {"CNN": _cnn, "RNN": _rnn, "Inference": _resnet50}[model]()


def per_example(model: str) -> int:
    """FLOPs for one image or review: of a forward pass for Inference, else of a training step.

    A multiply-add is two. Training takes the forward pass three times: once for itself, once for
    the gradient of the weights, once for that of the inputs; which nobody needs of the first layer
    if pixels go in, but does of the GRU's, as the embedding learns.
    """
    found = layers(model)
    forward = 2 * sum(layer.multiply_adds for layer in found)
    if model == "Inference":
        return forward
    unneeded = 2 * found[0].multiply_adds if model == "CNN" else 0
    return 3 * forward - unneeded


def _cnn() -> list[Layer]:
    """32×32 pixels in three colours; halved twice."""
    return [
        Layer(32 * 32, 9 * 3, 50),
        Layer(32 * 32, 9 * 50, 50),
        Layer(16 * 16, 9 * 50, 100),
        Layer(16 * 16, 9 * 100, 100),
        Layer(1, 8 * 8 * 100, 512),
        Layer(1, 512, 10),
    ]


def _rnn() -> list[Layer]:
    """Three gates, each with a product of the word's vector and one of the state."""
    numbers = MODELS["RNN"]
    words, hidden = numbers["LENGTH"], numbers["HIDDEN"]
    return [
        Layer(words, numbers["EMBEDDING"], 3 * hidden),
        Layer(words, hidden, 3 * hidden),
        Layer(1, hidden, 2),
    ]


def _resnet50() -> list[Layer]:
    """v1.5: a stage's stride is on the 3×3 of its first block. Cut after the average pooling."""
    found = [Layer(112 * 112, 7 * 7 * 3, 64)]
    channels, size = 64, 56
    for stage, (blocks, width) in enumerate(RESNET50_STAGES):
        for block in range(blocks):
            found.append(Layer(size**2, channels, width))
            size //= 2 if stage > 0 and block == 0 else 1
            found.append(Layer(size**2, 9 * width, width))
            found.append(Layer(size**2, width, 4 * width))
            if block == 0:
                found.append(Layer(size**2, channels, 4 * width))
            channels = 4 * width
    return found
