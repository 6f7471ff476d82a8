"""Text as readers may see it: nothing in it moves a cursor, hides, or turns the reading direction."""

import re

from support.basics.text import CONTROL, plain

INSTEAD = "\ufffd"
# Unicode's controls of the reading direction, and halves of surrogate pairs, which no file can have.
UNSHOWN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """The text without escape sequences and control characters but line breaks and tabs.

    What would turn the reading direction becomes a visible mark.
    """
    return UNSHOWN.sub(INSTEAD, plain(text))


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(visible(text).split())


def marked(text: str) -> str:
    """Code or HTML with a mark for each such character, so that nothing moves together."""
    return UNSHOWN.sub(INSTEAD, CONTROL.sub(INSTEAD, text))
