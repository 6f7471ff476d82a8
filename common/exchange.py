"""Arrays that pass between a notebook and what runs it: weights to begin with, weights and outputs after.

The environment variable ROSETTA_EXCHANGE names a folder. Without it nothing happens here. The
files are plain NumPy: `initial.npz` and `weights.npz` hold weights by common name, `outputs.npy`
what the model made of the test set.
"""

import os

import numpy as np


def initial(expected):
    """The weights to begin with, {common name: float32 array}; None where none are given.

    `expected` are weights with the names and shapes that the model has; ValueError if the
    file's differ.
    """
    path = os.path.join(os.environ.get("ROSETTA_EXCHANGE", ""), "initial.npz")
    if not os.environ.get("ROSETTA_EXCHANGE") or not os.path.exists(path):
        return None
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    for name in set(found) | set(expected):
        here = found[name].shape if name in found else "missing"
        wanted = expected[name].shape if name in expected else "no such weight"
        if here != wanted:
            raise ValueError(
                "{}: {} is {}, expected {}".format(path, name, here, wanted)
            )
    return {name: found[name].astype(np.float32) for name in expected}


def save(weights, outputs):
    """Keep a notebook's weights and outputs for the runner."""
    folder = os.environ.get("ROSETTA_EXCHANGE")
    if folder:
        np.savez(os.path.join(folder, "weights.npz"), **weights)
        np.save(os.path.join(folder, "outputs.npy"), np.asarray(outputs))
