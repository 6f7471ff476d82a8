"""Files that are written whole or not at all, and their checksums."""

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Iterator, Union

from common.output import printable

CHUNK = 1 << 20
PathLike = Union[str, Path]


class DataError(Exception):
    """Data that cannot be had or cannot be trusted; the message says what to do about it."""

    def __str__(self) -> str:
        return printable(super().__str__())


def digest(path: PathLike, algorithm: str) -> str:
    """The file's checksum in hexadecimal; `algorithm` is one that hashlib knows."""
    checksum = hashlib.new(algorithm)
    with open(str(path), "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            checksum.update(chunk)
    return checksum.hexdigest()


@contextlib.contextmanager
def atomic(path: PathLike) -> Iterator[BinaryIO]:
    """Open a temporary neighbour of `path` for writing bytes; it becomes `path` only if all went well."""
    path = str(path)
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        prefix="." + os.path.basename(path) + ".", dir=folder
    )
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_text(path: PathLike, text: str) -> None:
    """Write `text` atomically, as UTF-8; bytes that were no text are written as escapes."""
    with atomic(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def write_json(path: PathLike, value: Any) -> None:
    """Write `value` atomically, in a form that a person can read and git can compare."""
    write_text(
        path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )
