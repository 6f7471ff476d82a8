"""The real data sets' files: found, or downloaded and unpacked, and verified.

They are looked for in the folder that the environment variable ROSETTA_DATA names, else in
`data/` beside this package.
"""

import os
import shutil
import tarfile
import tempfile
from typing import List, Optional

from common.downloads import download
from common.files import DataError, digest
from common.output import one_line

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
CIFAR10_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
CIFAR10_BYTES = 170498071
CIFAR10_FOLDER = "cifar-10-batches-py"
# The official archive, and names that a compressed copy of the folder may have.
CIFAR10_ARCHIVES = [
    name + ending
    for name in ("cifar-10-python", CIFAR10_FOLDER)
    for ending in (".tar.gz", ".tar.xz")
]
CIFAR10_FILES = {  # md5 of each file in the archive, which the records of runs are known by
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
CIFAR10_FILES_SHA256 = {  # of the same files
    "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    "test_batch": "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
}
CIFAR10_FILE_BYTES = 1 << 25  # more than any of them has
IMDB_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz"
IMDB_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
IMDB_BYTES = 17464789
# The same reviews in the same order, rebuilt from the review texts with Keras' word index.
IMDB_REBUILT_SHA256 = "7e772cf72995c614d119bc0f1deadf8fd27b2480f3759386392b75033f19c42e"
RESNET50_URL = "https://download.pytorch.org/models/resnet50-0676ba61.pth"
RESNET50_SHA256 = "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a"
RESNET50_BYTES = 102530333


def data_folder() -> str:
    """Where real files are kept."""
    package = os.path.dirname(os.path.abspath(__file__))
    beside = os.path.join(os.path.dirname(package), "data")
    return os.environ.get("ROSETTA_DATA") or beside


def may_download() -> bool:
    """False where the runner has already tried, so that a notebook does not wait for it again."""
    return os.environ.get("ROSETTA_DOWNLOAD") != "no"


def find_cifar10() -> str:
    """The folder of CIFAR-10's verified files, which are unpacked or downloaded first if need be."""
    folder = os.path.join(data_folder(), CIFAR10_FOLDER)
    if not os.path.isdir(folder):
        _unpack_cifar10(_find_archive() or _download_archive(), folder)
    _verify_cifar10(folder, folder)
    return folder


def find_imdb() -> str:
    """The path of IMDB's verified file, which is downloaded first if need be."""
    path = os.path.join(data_folder(), "imdb.npz")
    if not os.path.exists(path):
        _fetch("IMDB", IMDB_URL, path, IMDB_SHA256, IMDB_BYTES)
    _verify(path, [IMDB_SHA256, IMDB_REBUILT_SHA256], path, path)
    return path


def find_resnet50() -> str:
    """The path of ResNet-50's verified weights, which are downloaded first if need be."""
    path = os.path.join(data_folder(), RESNET50_URL.rsplit("/", 1)[1])
    if not os.path.exists(path):
        _fetch("ResNet-50", RESNET50_URL, path, RESNET50_SHA256, RESNET50_BYTES)
    _verify(path, [RESNET50_SHA256], path, path)
    return path


def _verify(path: str, checksums: List[str], shown: str, whole: str) -> None:
    """Raise DataError, naming `shown`, unless the file has one of the SHA-256 checksums; `whole` is
    what to remove."""
    try:
        found = digest(path, "sha256") if os.path.exists(path) else "missing"
    except OSError as error:
        raise DataError("cannot read {}: {}".format(path, error.strerror or error))
    if found not in checksums:
        raise DataError(
            "{} is not the official file (sha256 {}, expected {}); remove {} to download it "
            "again".format(shown, found, checksums[0], whole)
        )


def _verify_cifar10(folder: str, whole: str) -> None:
    for name, checksum in CIFAR10_FILES_SHA256.items():
        shown = os.path.join(whole, name)
        _verify(os.path.join(folder, name), [checksum], shown, whole)


def _find_archive() -> Optional[str]:
    """An archive of CIFAR-10 that is there already, in any compression; None if there is none."""
    paths = [os.path.join(data_folder(), name) for name in CIFAR10_ARCHIVES]
    return next((path for path in paths if os.path.exists(path)), None)


def _download_archive() -> str:
    path = os.path.join(data_folder(), CIFAR10_ARCHIVES[0])
    _fetch("CIFAR-10", CIFAR10_URL, path, CIFAR10_SHA256, CIFAR10_BYTES)
    return path


def _unpack_cifar10(archive: str, folder: str) -> None:
    """Take the six files out of the archive, and put the folder in place once they are verified."""
    try:
        with tempfile.TemporaryDirectory(
            prefix=".cifar-10-", dir=data_folder()
        ) as temporary:
            unpacked = os.path.join(temporary, CIFAR10_FOLDER)
            _extract_cifar10(archive, unpacked)
            _verify_cifar10(unpacked, archive)
            _put(unpacked, folder)
    except DataError:
        raise
    except Exception as error:  # each kind of compression has errors of its own
        reason = getattr(error, "strerror", None) or one_line(str(error))
        raise DataError("cannot unpack {}: {}".format(archive, reason))


def _extract_cifar10(archive: str, folder: str) -> None:
    os.mkdir(folder)
    with tarfile.open(archive) as tar:
        for name in CIFAR10_FILES:
            member = tar.getmember(CIFAR10_FOLDER + "/" + name)
            source = tar.extractfile(member) if member.isfile() else None
            if source is None or member.size > CIFAR10_FILE_BYTES:
                raise DataError("{}: {} is not the official file".format(archive, name))
            with open(os.path.join(folder, name), "wb") as file:
                shutil.copyfileobj(source, file)


def _put(unpacked: str, folder: str) -> None:
    try:
        os.rename(unpacked, folder)
    except OSError:
        if not os.path.isdir(folder):  # another process may have been faster
            raise


def _fetch(name: str, url: str, path: str, checksum: str, size: int) -> None:
    """Download a file that is not there; DataError says what to do if it cannot be had."""
    try:
        if not may_download():
            raise DataError(
                "{} is not in {} and could not be downloaded".format(
                    name, data_folder()
                )
            )
        download(url, path, checksum, limit=size + size // 10)
    except DataError as error:
        raise DataError(
            "{}; put {} into {}, or name the folder that has it: --data-dir, or the environment "
            "variable ROSETTA_DATA".format(error, os.path.basename(path), data_folder())
        )
