"""The protocol's numbers, in one place.

Notebooks spell these values out in their own `parameters` cell, where a reader looks for them;
a test holds each notebook to this file. Source of the protocol: "Comparing Deep Learning
Frameworks: A Rosetta Stone Approach" (Karmanov, Salvaris, Fierro, Dean, 2018).
"""

from typing import Any, Dict

COMMON: Dict[str, Any] = {"PRECISION": "fp32", "DATA": "real", "SEED": 42}

MODELS: Dict[str, Dict[str, Any]] = {
    "CNN": {
        "EPOCHS": 10,
        "BATCHSIZE": 64,
        "LR": 0.01,
        "MOMENTUM": 0.9,
        "DROPOUT_CONV": 0.25,
        "DROPOUT_DENSE": 0.5,
    },
    "RNN": {
        "EPOCHS": 3,
        "BATCHSIZE": 64,
        "LR": 0.001,
        "BETA_1": 0.9,
        "BETA_2": 0.999,
        "EPSILON": 1e-8,
        "VOCABULARY": 30000,
        "LENGTH": 150,
        "EMBEDDING": 125,
        "HIDDEN": 100,
    },
    "Inference": {"BATCHSIZE": 32},
}

# Trainable parameters of each model; batch normalisation's running statistics are not counted.
# The ResNet-50 is cut after global average pooling, so its classifier is not in the sum.
PARAMETERS = {"CNN": 3441592, "RNN": 3818302, "Inference": 23508032}

# What a `quick` run changes, which shows that an installation works: 48 steps learn the generated
# data, in batches so small that they are soon done, but not so small that the protocol's learning
# rate diverges, as the CNN's does with 8. A last batch of another size would be compiled for itself:
# 16 divides all that there is.
QUICK = {
    "CNN": {"EPOCHS": 2, "BATCHSIZE": 16},
    "RNN": {"EPOCHS": 2, "BATCHSIZE": 16},
    "Inference": {"BATCHSIZE": 8},
}
QUICK_EXAMPLES = {"CNN": 384, "RNN": 384, "Inference": 8}  # of an epoch, or predicted
# How long proofs train on generated data, with the batches of the protocol.
PROOF_EPOCHS = {"CNN": 3, "RNN": 3}
# The accuracy below which a model has not learned. On generated data halfway between chance (1/10,
# 1/2) and all right; on real data, where one epoch must do, not far above chance.
LEARNED = {"quick": {"CNN": 0.55, "RNN": 0.75}, "real": {"CNN": 0.2, "RNN": 0.6}}
