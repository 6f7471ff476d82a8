"""Text for people: whatever it holds, showing it never ends a run."""

import contextlib
import sys
from typing import Optional, TextIO


def printable(text: str, stream: Optional[TextIO] = None) -> str:
    """The text, with what the stream (standard output) cannot show written as an escape."""
    stream = sys.stdout if stream is None else stream
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def one_line(text: str) -> str:
    """The text in one line of at most 300 characters, without control characters."""
    shown = " ".join(text.split())[:300]
    return "".join(c if c.isprintable() else "?" for c in shown)


def echo(text: str, stream: Optional[TextIO] = None, end: str = "\n") -> None:
    """Print to the stream (standard output), even to one that is closed or knows only ASCII."""
    stream = sys.stdout if stream is None else stream
    with contextlib.suppress(OSError, ValueError):
        print(printable(text, stream), file=stream, end=end, flush=True)
