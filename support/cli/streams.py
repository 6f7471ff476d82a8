"""Output that never fails: what a run measured does not depend on whether anybody reads of it."""

import contextlib
import os
import sys
from typing import Any


def make_tolerant() -> None:
    """Let standard output and error replace what they cannot show, and lose what they cannot write.

    A reader such as `head` may have seen enough, a disk that a log goes to may be full, and a
    process may be started without streams.
    """
    sys.stdout, sys.stderr = _Tolerant(sys.stdout), _Tolerant(sys.stderr)


class _Tolerant:
    """A text stream whose `write` and `flush` raise nothing."""

    def __init__(self, stream: Any) -> None:
        if stream is None:  # closed by the parent process
            stream = open(os.devnull, "w")  # noqa: SIM115, for as long as the process lives
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
