"""Which checkout made a record: a random text, kept in .rosetta/, that says nothing about the machine."""

import contextlib
import functools
import uuid

from common.files import write_text
from support.basics.paths import PRIVATE

FILE = PRIVATE / "installation"


@functools.cache
def own() -> str:
    """This checkout's text, made when first asked for; another one each time if it cannot be kept."""
    with contextlib.suppress(OSError, ValueError):
        found = FILE.read_text(encoding="utf-8").strip()
        if found:
            return found
    made = uuid.uuid4().hex[:16]
    with contextlib.suppress(OSError):
        write_text(FILE, made + "\n")
    return made
