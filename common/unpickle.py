"""Read pickles without trusting them: only the names that a format needs are admitted.

A pickle is a program; `pickle.load` runs it. Each reader here names the few constructors that
its format uses, and everything else is an error.
"""

import ast
import collections
import contextlib
import io
import pickle
import struct
import zipfile

import numpy as np

from common.files import DataError


def _latin1(text, encoding):
    """How Python 3 writes byte strings in the protocols that Python 2 can read."""
    if encoding != "latin1":
        raise DataError("refused to unpickle text in {!r}".format(encoding))
    return text.encode("latin1")


# NumPy 2 moved the modules whose names older pickles hold.
_RECONSTRUCT = np.zeros(1).__reduce__()[0]
_ARRAYS = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("_codecs", "encode"): _latin1,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, admitted, persistent_load=None, **kwargs):
        super().__init__(file, **kwargs)
        self._admitted = admitted
        self._persistent = persistent_load

    def persistent_load(self, key):
        if self._persistent is None:
            raise DataError(
                "refused to unpickle a reference to something outside the file"
            )
        return self._persistent(key)

    def find_class(self, module, name):
        try:
            return self._admitted[module, name]
        except KeyError:
            raise DataError("refused to unpickle {}.{}".format(module, name))


@contextlib.contextmanager
def _reading(name):
    """Make whatever a damaged or hostile file sets off a DataError that names the file."""
    try:
        yield
    except OSError:
        raise
    except DataError as error:
        raise DataError("{}: {}".format(name, error))
    except Exception as error:
        raise DataError("{} is damaged: {!r}".format(name, error))


def load_arrays(file):
    """The object in an open pickle of plain Python values and NumPy arrays; strings as bytes."""
    with _reading(getattr(file, "name", "a pickle")):
        return _Unpickler(file, _ARRAYS, encoding="bytes").load()


def load_npz(path):
    """All arrays of a .npz file, those of Python objects (lists of numbers) included.

    `numpy.load(allow_pickle=True)` would run whatever the file holds.
    """
    arrays = {}
    with _reading(path), zipfile.ZipFile(str(path)) as archive:
        for member in archive.namelist():
            with archive.open(member) as file:
                arrays[member[: -len(".npy")]] = _load_npy(io.BytesIO(file.read()))
    return arrays


def _load_npy(file):
    """One array in NumPy's format, its header read by NumPy's published description (NEP 1)."""
    if file.read(6) != b"\x93NUMPY":
        raise DataError("not an array in NumPy's format")
    major = file.read(2)[0]
    size = (
        struct.unpack("<H", file.read(2))[0]
        if major == 1
        else struct.unpack("<I", file.read(4))[0]
    )
    header = ast.literal_eval(file.read(size).decode("latin1"))
    dtype = np.dtype(header["descr"])
    if dtype.hasobject:
        return _Unpickler(file, _ARRAYS, encoding="bytes").load()
    order = "F" if header["fortran_order"] else "C"
    return np.frombuffer(file.read(), dtype).reshape(header["shape"], order=order)


def load_torch(path):
    """The tensors of a PyTorch checkpoint of one flat dictionary, as NumPy arrays, without PyTorch.

    Reads both of its formats: the zip archive (since 1.6) and the older sequence of pickles.
    """
    with _reading(path):
        if zipfile.is_zipfile(str(path)):
            return _load_torch_zip(str(path))
        return _load_torch_sequence(str(path))


_STORAGES = {
    ("torch", "FloatStorage"): "<f4",
    ("torch", "DoubleStorage"): "<f8",
    ("torch", "HalfStorage"): "<f2",
    ("torch", "LongStorage"): "<i8",
    ("torch", "IntStorage"): "<i4",
}


def _torch_names(rebuild):
    names = dict(_STORAGES)
    names["torch._utils", "_rebuild_tensor_v2"] = rebuild
    names["torch._utils", "_rebuild_parameter"] = lambda tensor, *_: tensor
    names["collections", "OrderedDict"] = collections.OrderedDict
    return names


def _view(storage, offset, shape, strides):
    """A copy of the array that a tensor sees in its storage (1-D); strides count elements."""
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides))
    if (
        offset < 0
        or min(strides, default=0) < 0
        or (np.prod(shape) and last >= len(storage))
    ):
        raise DataError("a tensor reaches outside its storage")
    steps = [step * storage.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()


def _load_torch_zip(path):
    with zipfile.ZipFile(path) as archive:
        root = next(name for name in archive.namelist() if name.endswith("/data.pkl"))[
            : -len("data.pkl")
        ]

        def storage(key):
            _, dtype, name, _, _ = key
            return np.frombuffer(archive.read(root + "data/" + name), dtype)

        def rebuild(storage, offset, shape, strides, *_):
            return _view(storage, offset, shape, strides)

        with archive.open(root + "data.pkl") as file:
            return dict(_Unpickler(file, _torch_names(rebuild), storage).load())


def _load_torch_sequence(path):
    """Magic number, version, system, the dictionary, the storages' keys; then the storages' bytes."""
    dtypes, waiting = {}, []

    def storage(key):
        dtypes[key[2]] = np.dtype(key[1])
        return key[2]

    def rebuild(key, offset, shape, strides, *_):
        waiting.append((key, offset, shape, strides))
        return len(waiting) - 1  # the bytes come later

    with open(path, "rb") as file:
        plain = {}
        for _ in range(3):
            _Unpickler(file, plain).load()
        entries = _Unpickler(file, _torch_names(rebuild), storage).load()
        storages = {}
        for key in _Unpickler(file, plain).load():
            count = struct.unpack("<q", file.read(8))[0]
            storages[key] = np.frombuffer(
                file.read(count * dtypes[key].itemsize), dtypes[key]
            )
    return {
        name: _view(storages[waiting[index][0]], *waiting[index][1:])
        for name, index in entries.items()
    }
