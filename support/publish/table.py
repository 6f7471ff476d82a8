"""A table as every writer takes it: Markdown, the terminal and the site."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

# What a cell may be beside a plain one. Writers and scripts go by these, never by a text.
FAILED, NONE, OUTDATED = "failed", "none", "outdated"

# A figure, perhaps with the range of its runs: 51 (50.3–53.5).
FIGURE = re.compile(r"-?[\d.,]+(e[-+]?\d+)?[%×]?=?( \(.*\))?")
MARK = "†"
NOTE = f"{MARK} measured with an earlier version of the notebook"


@dataclass(frozen=True)
class Cell:
    """`target` is what stands behind it: the path of a record or of a notebook, an address on the
    web, or nothing. `kind` is "" or one of the constants above."""

    text: str
    target: str = ""
    kind: str = ""

    @property
    def shown(self) -> str:
        """The text, with its mark if it has one."""
        return f"{self.text} {MARK}" if self.kind == OUTDATED else self.text


EMPTY = Cell("–", kind=NONE)
BLANK = Cell("", kind=NONE)


@dataclass(frozen=True)
class Table:
    """`groups` are (title, number of columns) above the head, for all columns or for none; `states`
    say of each line whether its framework is living or archived, if anything does; `minor` are
    headings of columns that are left out where space is short, the first one first."""

    title: str
    head: list[str]
    body: list[list[Cell]]
    groups: list[tuple[str, int]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    minor: tuple[str, ...] = ()

    @property
    def numeric(self) -> list[bool]:
        """Of each column, whether it has figures alone, which stand to the right."""
        return [_is_numeric(column) for column in zip(*self.body)] or [False] * len(
            self.head
        )

    @property
    def notes(self) -> list[str]:
        """What its marks mean."""
        marked = any(cell.kind == OUTDATED for row in self.body for cell in row)
        return [NOTE] if marked else []


def _is_numeric(cells: Iterable[Cell]) -> bool:
    said = [cell for cell in cells if cell.kind not in (FAILED, NONE)]
    return bool(said) and all(FIGURE.fullmatch(cell.text) for cell in said)


def is_address(target: str) -> bool:
    """Whether the target is an address on the web; no other kind, such as javascript:, is known."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and bool(parts.netloc)
    return known and target.isprintable() and " " not in target


Column = Callable[[Any], Cell]


def made_of(title: str, rows: Iterable[Any], columns: Mapping[str, Column]) -> Table:
    """A line for each row. A column in which no row has anything is left out."""
    rows = list(rows)
    lines = [[cell(row) for cell in columns.values()] for row in rows]
    filled = [any(cell.kind != NONE for cell in column) for column in zip(*lines)]
    return Table(
        title,
        [name for name, keep in zip(columns, filled) if keep],
        [[cell for cell, keep in zip(line, filled) if keep] for line in lines],
        states=["" if row is None else row["state"] for row in rows],
    )
