"""The data sets: the real ones, found or downloaded and verified, and small generated ones.

Each loader takes `kind`, "real" or "quick"; sources.py says where real files are looked for.
"""

import hashlib
import os

import numpy as np

from common import quick, sources
from common.files import digest
from common.unpickle import load_arrays, load_npz

IMAGES = {"real": 1024, "quick": 64}  # for inference: 32 batches of 32, or two
# Mean and standard deviation per channel (RGB) of ImageNet, which the weights were trained with.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def load_cifar10(kind="real", channels_first=True):
    """CIFAR-10 as x_train, y_train, x_test, y_test.

    x: float32 in 0 … 1, shape (n, 3, 32, 32), or (n, 32, 32, 3) with `channels_first=False`;
    y: int64 in 0 … 9, shape (n,). 50,000 and 10,000 images; `quick` generates fewer.
    Raises DataError if the files cannot be had or are not the official ones.
    """
    if kind == "quick":
        x_train, y_train, x_test, y_test = quick.images()
    else:
        folder = sources.find_cifar10()
        parts = [_read_cifar10(folder, name) for name in sorted(sources.CIFAR10_FILES)]
        x_train, y_train = (np.concatenate(arrays) for arrays in zip(*parts[:5]))
        x_test, y_test = parts[5]
    x_train, x_test = (_as_floats(x, channels_first) for x in (x_train, x_test))
    return x_train, y_train, x_test, y_test


def load_imdb(kind="real", vocabulary=30000, length=150):
    """IMDB's reviews as x_train, y_train, x_test, y_test.

    x: int32 word numbers, shape (n, length): 1 starts a review, 2 is a word outside the
    vocabulary, words are their rank + 3; the last `length` of them are kept, and zeros
    follow the end of a shorter review. y: int64, 0 negative or 1 positive. 25,000 and 25,000
    reviews; `quick` generates fewer. Raises DataError as `load_cifar10` does.
    """
    if kind == "quick":
        return quick.reviews(vocabulary, length)
    arrays = load_npz(sources.find_imdb())
    x_train, x_test = (
        _encode(arrays[name], vocabulary, length) for name in ("x_train", "x_test")
    )
    return (
        x_train,
        arrays["y_train"].astype(np.int64),
        x_test,
        arrays["y_test"].astype(np.int64),
    )


def load_images(kind="real", channels_first=True):
    """Images for ResNet-50: float32 of ImageNet's mean and spread, shape (n, 3, 224, 224).

    Real ones are CIFAR-10's first 1,024 test images enlarged seven times; `quick` generates 64.
    """
    if kind == "quick":
        x = quick.images()[2][: IMAGES[kind]]
    else:
        x = _read_cifar10(sources.find_cifar10(), "test_batch")[0][: IMAGES[kind]]
    mean, std = (np.float32(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    x = (x.astype(np.float32) / 255 - mean) / std
    if not channels_first:
        x = x.transpose(0, 2, 3, 1)
    rows, columns = (2, 3) if channels_first else (1, 2)
    return np.ascontiguousarray(x.repeat(7, axis=rows).repeat(7, axis=columns))


def data_digest(model, kind):
    """Identifies the data of a run: from the verified files' checksums, or the generator's."""
    if kind == "quick":
        return quick.DIGEST
    if model == "RNN":
        return "sha256:" + digest(sources.find_imdb(), "sha256")
    checksums = "".join(md5 for _, md5 in sorted(sources.CIFAR10_FILES.items()))
    return "sha256:" + hashlib.sha256(checksums.encode()).hexdigest()


def _read_cifar10(folder, name):
    """One verified file as uint8 images (n, 3, 32, 32) and int64 labels (n,)."""
    with open(os.path.join(folder, name), "rb") as file:
        content = load_arrays(file)
    return content[b"data"].reshape(-1, 3, 32, 32), np.array(
        content[b"labels"], np.int64
    )


def _as_floats(x, channels_first):
    x = x if channels_first else x.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(x, np.float32) / np.float32(255)


def _encode(reviews, vocabulary, length):
    encoded = np.zeros((len(reviews), length), np.int32)
    for row, ranks in zip(encoded, reviews):
        words = np.array([1] + [rank + 3 for rank in ranks[-length:]])
        words[words >= vocabulary] = 2
        # The start counts as a word: it is kept only where the whole review fits.
        words = words[-length:] if len(ranks) >= length else words
        row[: len(words)] = words
    return encoded
