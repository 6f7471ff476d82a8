"""Read PyTorch's checkpoints without PyTorch and without trusting them."""

import io
import struct
import zipfile
from typing import Any, BinaryIO, Dict, NamedTuple, Tuple

import numpy as np

from common import archives, pickles
from common.files import DataError
from common.pickles import Admitted, Unpickler, refusal

# The code of its numbers' type, and its name in the file. A pickle cannot make one itself.
_Storage = NamedTuple("_Storage", [("code", str), ("name", str)])
# All but the storage count elements of it.
_Tensor = NamedTuple(
    "_Tensor",
    [("storage", _Storage), ("offset", Any), ("shape", Any), ("strides", Any)],
)
Arrays = Dict[str, np.ndarray]
Read = Tuple[Dict[str, _Tensor], Dict[_Storage, np.ndarray]]
_STORAGES = {
    ("torch", "FloatStorage"): "<f4",
    ("torch", "DoubleStorage"): "<f8",
    ("torch", "HalfStorage"): "<f2",
    ("torch", "LongStorage"): "<i8",
    ("torch", "IntStorage"): "<i4",
}


class _Dictionary(dict):
    """Stands for an ordered dictionary, without the attributes that it may have."""

    def __setstate__(self, state: Any) -> None:
        pass


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    if type(storage) is not _Storage:
        raise refusal("the storage", storage)
    return _Tensor(storage, offset, shape, strides)


_TENSORS = dict(_STORAGES)  # type: Dict[Tuple[str, str], Any]
_TENSORS["torch._utils", "_rebuild_tensor_v2"] = Admitted(_tensor)
_TENSORS["torch._utils", "_rebuild_parameter"] = Admitted(lambda tensor, *_: tensor)
_TENSORS["collections", "OrderedDict"] = Admitted(_Dictionary)


def read_torch(path: str) -> Arrays:
    """The tensors of a checkpoint of one flat dictionary, by name, as NumPy arrays.

    Reads both of PyTorch's formats: the zip archive (since 1.6) and the older sequence of pickles.
    """
    read = _torch_zip if zipfile.is_zipfile(path) else _torch_sequence
    tensors, storages = read(path)
    sizes = (
        pickles.count(tensor.shape) * storages[tensor.storage].itemsize
        for tensor in tensors.values()
    )
    if sum(sizes) > archives.LIMIT:
        raise DataError("refused to unpack more than {} bytes".format(archives.LIMIT))
    return {
        name: _view(storages[tensor.storage], *tensor[1:])
        for name, tensor in tensors.items()
    }


def _torch_zip(path: str) -> Read:
    """Name -> tensor, and storage -> its numbers."""
    with archives.open_zip(path) as archive:
        [pickle] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = pickle[: -len("data.pkl")] + "data/"
        tensors = _tensors(io.BytesIO(archives.unpacked(archive, pickle)))
        return tensors, {
            storage: np.frombuffer(
                archives.unpacked(archive, folder + storage.name), storage.code
            )
            for storage in {tensor.storage for tensor in tensors.values()}
        }


def _torch_sequence(path: str) -> Read:
    """The same from magic number, version, system, the dictionary and the storages' names, each a
    pickle, and the storages' numbers."""
    with open(path, "rb") as file:
        for _ in range(3):
            Unpickler(file, {}).load()
        tensors = _tensors(file)
        codes = {name: code for code, name in (t.storage for t in tensors.values())}
        storages = {}
        for name in Unpickler(file, {}).load():
            code = codes[name]
            size = struct.unpack("<q", file.read(8))[0] * np.dtype(code).itemsize
            if not 0 <= size <= archives.LIMIT:
                raise DataError("refused to read {} bytes".format(size))
            storages[_Storage(code, name)] = np.frombuffer(file.read(size), code)
    return tensors, storages


def _tensors(file: BinaryIO) -> Dict[str, _Tensor]:
    """Name -> tensor of an open pickle, which has no numbers in it."""

    def storage(key: Any) -> _Storage:
        _, code, name = key[:3]
        if code not in _STORAGES.values() or type(name) is not str:
            raise refusal("the storage", key)
        return _Storage(code, name)

    tensors = dict(Unpickler(file, _TENSORS, storage).load())
    for name, tensor in tensors.items():
        if type(tensor) is not _Tensor:
            raise refusal("what is no tensor:", name)
    return tensors


def _view(storage: np.ndarray, offset: Any, shape: Any, strides: Any) -> np.ndarray:
    """A copy of the array that a tensor sees in its storage (1-D); strides count elements."""
    elements = pickles.count(shape)
    if len(shape) == len(strides) and pickles.whole((offset,) + strides, 1 << 62):
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides))
        inside = elements <= len(storage) and (not elements or last < len(storage))
    else:
        inside = False
    if not inside:
        raise DataError("a tensor reaches outside its storage")
    steps = [step * storage.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()
