"""The data sets: the real ones, found or downloaded and verified, and small generated ones.

Each loader takes `kind`, "real" or "quick". Real files are looked for in the folder that
the environment variable ROSETTA_DATA names, else in `data/` beside this package.
"""

import hashlib
import os
import tarfile

import numpy as np

from common import quick
from common.files import DataError, digest, download
from common.unpickle import load_arrays, load_npz

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
CIFAR10_MD5 = "c58f30108f718f92721af3b95e74349a"  # of the archive
CIFAR10_FOLDER = "cifar-10-batches-py"
CIFAR10_FILES = {  # md5 of each file in the archive
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
IMDB_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz"
IMDB_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
# The same reviews in the same order, rebuilt from the review texts with Keras' word index.
IMDB_REBUILT_SHA256 = "7e772cf72995c614d119bc0f1deadf8fd27b2480f3759386392b75033f19c42e"

IMAGES = {"real": 1024, "quick": 64}  # for inference: 32 batches of 32, or two
# Mean and standard deviation per channel (RGB) of ImageNet, which the weights were trained with.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def data_folder():
    """Where real files are kept."""
    beside = os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data"
    )
    return os.environ.get("ROSETTA_DATA") or beside


def may_download():
    """False where the runner has already tried, so that a notebook does not wait for it again."""
    return os.environ.get("ROSETTA_DOWNLOAD") != "no"


def load_cifar10(kind="real", channels_first=True):
    """CIFAR-10 as x_train, y_train, x_test, y_test.

    x: float32 in 0 … 1, shape (n, 3, 32, 32), or (n, 32, 32, 3) with `channels_first=False`;
    y: int64 in 0 … 9, shape (n,). 50,000 and 10,000 images; `quick` generates fewer.
    Raises DataError if the files cannot be had or are not the official ones.
    """
    if kind == "quick":
        x_train, y_train, x_test, y_test = quick.images()
    else:
        folder = find_cifar10()
        parts = [_read_cifar10(folder, name) for name in sorted(CIFAR10_FILES)]
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
    arrays = load_npz(find_imdb())
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
        x = _read_cifar10(find_cifar10(), "test_batch")[0][: IMAGES[kind]]
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
        return "sha256:" + digest(find_imdb(), "sha256")
    checksums = "".join(CIFAR10_FILES[name] for name in sorted(CIFAR10_FILES))
    return "sha256:" + hashlib.sha256(checksums.encode()).hexdigest()


def find_cifar10():
    """The folder of CIFAR-10's verified files, downloaded first if need be."""
    folder = os.path.join(data_folder(), CIFAR10_FOLDER)
    if not os.path.isdir(folder):
        archive = os.path.join(data_folder(), CIFAR10_URL.rsplit("/", 1)[1])
        _fetch("CIFAR-10", CIFAR10_URL, archive, CIFAR10_MD5, "md5")
        _unpack_cifar10(archive, folder)
    for name, expected in CIFAR10_FILES.items():
        path = os.path.join(folder, name)
        found = digest(path, "md5") if os.path.exists(path) else "missing"
        if found != expected:
            raise DataError(
                "{} is not the official file (md5 {}, expected {}); remove {} to download it "
                "again".format(path, found, expected, folder)
            )
    return folder


def find_imdb():
    """The path of IMDB's verified file, downloaded first if need be."""
    path = os.path.join(data_folder(), "imdb.npz")
    if not os.path.exists(path):
        _fetch("IMDB", IMDB_URL, path, IMDB_SHA256, "sha256")
    found = digest(path, "sha256")
    if found not in (IMDB_SHA256, IMDB_REBUILT_SHA256):
        raise DataError(
            "{} is not the official file (sha256 {}, expected {}); remove it to download it "
            "again".format(path, found, IMDB_SHA256)
        )
    return path


def _fetch(name, url, path, checksum, algorithm):
    if os.path.exists(path) and digest(path, algorithm) == checksum:
        return
    try:
        if not may_download():
            raise DataError(
                "{} is not in {} and could not be downloaded".format(
                    name, data_folder()
                )
            )
        download(url, path, checksum, algorithm)
    except DataError as error:
        raise DataError(
            "{}; put {} into {}, or name the folder that has it: --data-dir, or the environment "
            "variable ROSETTA_DATA".format(error, os.path.basename(path), data_folder())
        )


def _unpack_cifar10(archive, folder):
    """Take the six expected files out of the verified archive, and put the folder in place whole."""
    temporary = folder + ".part"
    os.makedirs(temporary, exist_ok=True)
    with tarfile.open(archive) as tar:
        for name in CIFAR10_FILES:
            source = tar.extractfile(CIFAR10_FOLDER + "/" + name)
            with open(os.path.join(temporary, name), "wb") as file:
                file.write(source.read())
    os.rename(temporary, folder)


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
