"""Text from outside, such as a notebook's error messages, made fit for one line of a record or a terminal."""

import re
from collections.abc import Mapping

LONGEST = 400  # characters of a reason
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")
# control characters, and those that change the direction of reading
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    """The text without escape sequences and control characters; of an overwritten line the end."""
    lines = ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(CONTROL.sub("", line.rsplit("\r", 1)[-1]) for line in lines)


def first_line(text: str) -> str:
    """The first line that says something, shortened to what a reason may have; "" if none does."""
    said = (line.strip() for line in plain(text).split("\n"))
    line = next(filter(None, said), "")
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def last_lines(text: str, count: int) -> list[str]:
    """The last lines of the text, those that say nothing left out."""
    said = [line.rstrip() for line in plain(text).split("\n") if line.strip()]
    return [line[:LONGEST] for line in said[-count:]]


def without_paths(text: str, names: Mapping[str, str]) -> str:
    """The text with each of these folders replaced by its name, where a path begins with it.

    The root of the file system and other names of a few letters are left alone.
    """
    for path, name in names.items():
        if len(path.strip("/")) > 2:
            pattern = rf"(?<![\w./-]){re.escape(path.rstrip('/'))}(?![\w.-])"
            text = re.sub(pattern, lambda _, name=name: name, text)  # type: ignore[misc]
    return text
