"""Read zip archives and the arrays in them without trusting them."""

import ast
import contextlib
import io
import struct
import zipfile
from typing import Dict, Iterator

import numpy as np

from common import pickles
from common.files import DataError, PathLike

LIMIT = 1 << 30  # bytes that a file may unpack to; the official ones stay far below
HEADER = 10000  # bytes of an array's header, as in NumPy: longer ones may end Python's parser


@contextlib.contextmanager
def open_zip(path: PathLike) -> Iterator[zipfile.ZipFile]:
    """An open archive that does not unpack to more than LIMIT."""
    with zipfile.ZipFile(str(path)) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if size > LIMIT:
            raise DataError("refused to unpack {} bytes".format(size))
        # zipfile unpacks other kinds without a limit
        known = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if any(member.compress_type not in known for member in members):
            raise DataError("refused a compression that NumPy does not use")
        yield archive


def unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member's content, which is never longer than the archive says."""
    with archive.open(name) as file:
        return file.read(archive.getinfo(name).file_size)


def read_npz(path: PathLike) -> Dict[str, np.ndarray]:
    """All arrays of a .npz file, those of Python objects included."""
    with open_zip(path) as archive:
        return {
            name[: -len(".npy")]: _npy(unpacked(archive, name))
            for name in archive.namelist()
        }


def _npy(content: bytes) -> np.ndarray:
    """One array in NumPy's format, its header read by NumPy's published description (NEP 1)."""
    file = io.BytesIO(content)
    if file.read(6) != b"\x93NUMPY":
        raise DataError("not an array in NumPy's format")
    length = "<H" if file.read(2)[0] == 1 else "<I"
    (size,) = struct.unpack(length, file.read(struct.calcsize(length)))
    if size > HEADER:
        raise DataError("refused a header of {} bytes".format(size))
    header = ast.literal_eval(file.read(size).decode("latin1"))
    code, shape, fortran = (header[key] for key in ("descr", "shape", "fortran_order"))
    if code != "|O":
        return pickles.numbers(file.read(), code, shape, fortran)
    array = pickles.load(file)
    if type(array) is not np.ndarray or array.shape != shape:
        raise pickles.refusal("objects that do not fill the shape", shape)
    return array
