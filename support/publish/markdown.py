"""Tables as Markdown. Text is text: nothing in it becomes markup."""

import os
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.publish.table import FAILED, NONE, Cell, Table, is_address
from support.publish.text import one_line

# What begins markup; an underscore within a word does not. Some signs do at the start of a line.
MARKUP = re.compile(r"[\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w)")
AT_START = re.compile(r"^(?:(\d+)(?=[.)](?:\s|$))|(?=[-+=#]+(?:\s|$)))")

IN_ADDRESSES = "%/:?#@!$&'*+,;=~"  # what stays as it is; brackets would end the link


def escape(text: str) -> str:
    """The text on one line, with nothing in it that Markdown would obey."""
    escaped = MARKUP.sub(lambda found: "\\" + found[0], one_line(text))
    return AT_START.sub(lambda found: f"{found[1] or ''}\\", escaped)


def prose(text: str) -> str:
    """The text on one line, in which nothing but `code` between backticks is markup."""
    parts = one_line(text).split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner
        return escape(text)
    return "".join(
        MARKUP.sub(lambda found: "\\" + found[0], part)
        if number % 2 == 0
        # a table's cells end at | even within code
        else "`" + part.replace("|", "\\|") + "`"
        for number, part in enumerate(parts)
    )


def lines(table: Table, folder: Path | None = None) -> list[str]:
    """The lines of the table, its notes below it.

    Links are relative to `folder`; without one there are none. Columns under a common head
    become one column, as Markdown has a single line of heads.
    """
    groups = table.groups or [("", 1)] * len(table.head)
    widths = [width for _, width in groups]
    heads = [
        escape(": ".join(filter(None, [title, " · ".join(names)])))
        for (title, _), names in zip(groups, _split(table.head, widths))
    ]
    body = [
        [_joined(cells, folder) for cells in _split(row, widths)] for row in table.body
    ]
    rows = ["| " + " | ".join(row) + " |" for row in [heads, *body]]
    notes = [line for note in table.notes for line in ("", escape(note))]
    return [rows[0], "|" + "---|" * len(heads), *rows[1:], *notes]


def _split(row: Iterable[Any], widths: Iterable[int]) -> list[list[Any]]:
    parts = iter(row)
    return [list(islice(parts, width)) for width in widths]


def _joined(cells: Sequence[Cell], folder: Path | None) -> str:
    """The cells that say something, else the first."""
    said = [cell for cell in cells if cell.kind != NONE] or cells[:1]
    return " · ".join(_cell(cell, folder) for cell in said)


def _cell(cell: Cell, folder: Path | None) -> str:
    text = escape(cell.shown)
    if cell.kind == FAILED:
        text = f"**{text}**"
    target = _link(cell.target, folder) if folder else ""
    return f"[{text}]({target})" if target else text


def _link(target: str, folder: Path) -> str:
    if not target or is_address(target):
        return quote(target, safe=IN_ADDRESSES)
    return quote(Path(os.path.relpath(target, folder)).as_posix())
