"""Read pickles without running them: what comes out is plain values and arrays of numbers.

A pickle is a program that calls what it names; `pickle.load` runs it. Here it can name only what
stands in for NumPy's constructors, and an array is made only when its type, its shape and the
size of its data have been checked. A hostile pickle can still exhaust memory or end the process, as
Python's own unpickler lets it; it cannot run code, reach memory or leave anything changed.
"""

import pickle
import re
import reprlib
from typing import Any, BinaryIO, Callable, Dict, Optional, Sequence, Tuple

import numpy as np

from common.files import DataError

NUMBERS = re.compile("[<>|=]?(?:[iu][1248]|f[248])")  # codes of plain types, as NumPy's
OBJECTS = ("O", "O4", "O8")
PLAIN = (None, None, None, -1, -1)  # a type without parts and without a size of its own


class Admitted:
    """A function that a pickle may call but cannot change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise DataError("refused to change what a pickle is read with")


class Unpickler(pickle.Unpickler):
    """Admits what a dictionary of (module, name) holds, and nothing else."""

    def __init__(
        self,
        file: BinaryIO,
        admitted: Dict[Tuple[str, str], Any],
        persistent_load: Optional[Callable[[Any], Any]] = None,
        encoding: str = "ASCII",
    ) -> None:
        super().__init__(file, encoding=encoding)
        self._admitted = admitted
        self._persistent = persistent_load

    def load(self) -> Any:
        try:
            return super().load()
        except (DataError, OSError):
            raise
        except Exception as error:
            raise DataError("not a pickle of plain values: {:.200}".format(repr(error)))

    def persistent_load(self, key: Any) -> Any:
        if self._persistent is None:
            raise DataError(
                "refused to unpickle a reference to something outside the file"
            )
        return self._persistent(key)

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._admitted[module, name]
        except KeyError:
            name = repr("{}.{}".format(module, name))
            raise DataError("refused to unpickle {:.100}".format(name))


def load(file: BinaryIO) -> Any:
    """The object in an open pickle of plain Python values and arrays; strings as bytes.

    Arrays are the object itself or the values of a dictionary. They cannot be written to.
    """
    content = Unpickler(file, _ARRAYS, encoding="bytes").load()
    if type(content) is dict:
        return {name: _made(value) for name, value in content.items()}
    return _made(content)


def count(shape: Any) -> int:
    """How many elements an array of this shape has; DataError if there is no such array."""
    if type(shape) is not tuple or len(shape) > 32 or not whole(shape, 1 << 62):
        raise refusal("the shape", shape)
    total = 1
    for length in shape:
        total *= length
    return total


def whole(values: Sequence[Any], end: int) -> bool:
    """Whether all of them are whole numbers from 0 to below `end`."""
    if not values:
        return True
    return set(map(type, values)) == {int} and min(values) >= 0 and max(values) < end


def numbers(content: Any, code: Any, shape: Any, fortran: Any) -> np.ndarray:
    """The array of numbers that these bytes are; DataError unless type and shape fit them."""
    if type(code) is not str or not NUMBERS.fullmatch(code):
        raise refusal("the type", code)
    dtype = np.dtype(code)
    if type(content) is not bytes or len(content) != count(shape) * dtype.itemsize:
        raise refusal("data that do not fill the shape", shape)
    return np.ndarray(shape, dtype, content, order="F" if fortran else "C")


def refusal(what: str, value: Any) -> DataError:
    """The error for a part of a file that no honest file has."""
    return DataError("refused {} {}".format(what, reprlib.repr(value)))


class _Type:
    """Stands for numpy.dtype; of its state only the order of bytes counts."""

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        self._code, self._order = _text(code), ""
        if type(self._code) is not str:
            raise refusal("the type", code)

    def __setstate__(self, state: Tuple[Any, ...]) -> None:
        _, order, *parts = state[:7]
        if tuple(parts) != PLAIN:
            raise refusal("a type with fields or a size of its own,", parts)
        self._order = _text(order)

    def array(self, content: Any, shape: Any, fortran: Any) -> np.ndarray:
        if self._code in OBJECTS:
            return _objects(content, shape)
        return numbers(content, self._order + self._code, shape, fortran)


class _Array:
    """Stands for an array until its state has been checked."""

    array = None  # type: Optional[np.ndarray]

    def __setstate__(self, state: Tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, content = state
        if type(dtype) is not _Type:
            raise refusal("the type", dtype)
        self.array = dtype.array(content, shape, fortran)


def _objects(content: Any, shape: Any) -> np.ndarray:
    """The array of the objects in a list."""
    if type(content) is not list or shape != (len(content),):
        raise refusal("objects that do not fill the shape", shape)
    array = np.empty(len(content), object)
    for index, value in enumerate(content):
        array[index] = value
    return array


def _made(value: Any) -> Any:
    """The array that the value stands for; any other value as it is."""
    if type(value) is not _Array:
        return value
    if value.array is None:
        raise DataError("refused an array without data")
    return value.array


def _text(value: Any) -> Any:
    """Text, which Python 2 wrote as bytes."""
    return value.decode("latin1") if type(value) is bytes else value


def _latin1(text: str, encoding: Any) -> bytes:
    """How Python 3 writes byte strings in the protocols that Python 2 can read."""
    if encoding != "latin1":
        raise refusal("text encoded as", encoding)
    return text.encode("latin1")


# NumPy 2 moved the modules whose names older pickles hold.
_RECONSTRUCT = Admitted(lambda *_: _Array())
_ARRAYS = {
    ("numpy", "ndarray"): "ndarray",  # only handed on to _reconstruct
    ("numpy", "dtype"): Admitted(_Type),
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("_codecs", "encode"): Admitted(_latin1),
}
