"""Read the official files without trusting them: CIFAR-10's, IMDB's and ResNet-50's.

Whatever is wrong with a file is a DataError that names it: damage, what could do more than make
plain arrays (see pickles.py), and contents that the data set cannot have.
"""

import contextlib
from typing import Any, BinaryIO, Dict, Iterator

import numpy as np

from common import archives, checkpoints, pickles
from common.files import DataError, PathLike

PIXELS = 3 * 32 * 32
RANKS = 2**31 - 3  # words are ranks + 3, as 32-bit numbers


@contextlib.contextmanager
def _reading(name: Any) -> Iterator[None]:
    """Make whatever a damaged or hostile file sets off a DataError that names the file."""
    try:
        yield
    except OSError as error:
        raise DataError("cannot read {}: {}".format(name, error.strerror or error))
    except DataError as error:
        raise DataError("{}: {}".format(name, error))
    except Exception as error:
        raise DataError("{} is damaged: {:.200}".format(name, repr(error)))


def load_arrays(file: BinaryIO) -> Dict[bytes, Any]:
    """The images and labels in one of CIFAR-10's files, which is open for reading bytes.

    {b"data": uint8 (n, 3072), b"labels": n whole numbers from 0 to 9, and what else is there}.
    """
    with _reading(getattr(file, "name", "a pickle")):
        content = pickles.load(file)
        _check_cifar10(content)
        return content


def _check_cifar10(content: Any) -> None:
    if type(content) is not dict or not {b"data", b"labels"} <= set(content):
        raise DataError("there are no data and labels in it")
    data, labels = content[b"data"], content[b"labels"]
    if type(labels) is not list or not pickles.whole(labels, 10):
        raise DataError("its labels are not a list of whole numbers from 0 to 9")
    expected = np.dtype("u1"), (len(labels), PIXELS)
    if type(data) is not np.ndarray or (data.dtype, data.shape) != expected:
        raise DataError("its data are not {} rows of 3,072 bytes".format(len(labels)))


def load_npz(path: PathLike) -> Dict[str, np.ndarray]:
    """IMDB's reviews and labels: x_train, y_train, x_test and y_test, by name.

    x: arrays of lists of ranks, whole numbers from 0; y: whole numbers, 0 or 1.
    `numpy.load(allow_pickle=True)` would run whatever the file holds.
    """
    with _reading(path):
        arrays = archives.read_npz(path)
        _check_imdb(arrays)
        return arrays


def _check_imdb(arrays: Dict[str, np.ndarray]) -> None:
    for x, y in (("x_train", "y_train"), ("x_test", "y_test")):
        if x not in arrays or y not in arrays:
            raise DataError("{} or {} is missing".format(x, y))
        if arrays[x].dtype != object:
            raise DataError("{} has no lists of ranks".format(x))
        for number, ranks in enumerate(arrays[x]):
            if type(ranks) is not list or not pickles.whole(ranks, RANKS):
                raise DataError(
                    "review {} of {} has a rank that is no whole number from 0 to {}".format(
                        number, x, RANKS - 1
                    )
                )
        _check_labels(y, arrays[y], len(arrays[x]))


def _check_labels(name: str, labels: np.ndarray, count: int) -> None:
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise DataError("{} has not a whole number for each review".format(name))
    if not ((labels == 0) | (labels == 1)).all():
        raise DataError("{} has other labels than 0 and 1".format(name))


def load_torch(path: PathLike) -> Dict[str, np.ndarray]:
    """The tensors of a PyTorch checkpoint of one flat dictionary, as NumPy arrays, without PyTorch."""
    with _reading(path):
        return checkpoints.read_torch(str(path))
