"""Phrasebook: how each framework says the same thing, in the words of its own notebooks.

A code cell's metadata names what it shows: `"phrases": {"<task>": ["<beginning of a line>", ...]}`
or, where the framework has no such thing, `"phrases": {"<task>": "why not"}`. From each beginning
the whole statement is taken. The tasks are in phrasebook.toml.
"""

import functools
import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pygments.token import Operator, Punctuation

from support.publish import sources
from support.publish.site import cells, safe
from support.publish.site.cells import Cell, Notebook
from support.publish.site.families import Family
from support.publish.site.pages import Site
from support.publish.text import one_line
from support.registry.reading import tomllib

TASKS = Path(__file__).with_name("phrasebook.toml")
Notebooks = Mapping[tuple[str, str], Notebook]  # by prefix and model


class PhraseError(Exception):
    """A marker that does not fit its cell."""


@dataclass(frozen=True)
class Task:
    """What a reader wants to do."""

    id: str
    group: str
    title: str
    about: str
    aliases: tuple[str, ...] = ()  # what people call it elsewhere


@dataclass(frozen=True)
class Snippet:
    """Lines of one cell."""

    notebook: str
    model: str
    tag: str
    source: str
    code: Markup


@dataclass
class Entry:
    """What a family says for a task; neither snippets nor a reason: nothing is marked yet."""

    family: Family
    snippets: list[Snippet]
    reason: str = ""


def tasks() -> list[Task]:
    """All tasks, in the order of the page."""
    content = tomllib.loads(TASKS.read_text(encoding="utf-8"))
    return [
        Task(**{**entry, "aliases": tuple(entry.get("aliases", ()))})
        for entry in content["tasks"]
    ]


def write(
    site: Site, known: Sequence[Task], found: Mapping[str, Sequence[Entry]]
) -> None:
    """The page, of what `entries` found."""
    first = next(iter(found.values()), [])
    groups = itertools.groupby(known, key=lambda task: task.group)
    site.page(
        "phrasebook.html",
        "phrasebook.html",
        ["phrasebook"],
        families=[entry.family for entry in first],
        groups=[(name, list(members)) for name, members in groups],
        entries=found,
    )


def entries(
    known: Iterable[Task], families: Sequence[Family], notebooks: Notebooks
) -> dict[str, list[Entry]]:
    """Task id -> the entries of these families, in order; notebooks of others say nothing.

    A marker that does not fit its cell is named and left out.
    """
    found = {task.id: [Entry(family, []) for family in families] for task in known}
    places = {family.prefix: index for index, family in enumerate(families)}
    for (prefix, model), notebook in notebooks.items():
        for cell in notebook.cells if prefix in places else ():
            for task, marked in cell.phrases.items():
                try:
                    if task not in found:
                        raise PhraseError("there is no such task")
                    _add(found[task][places[prefix]], marked, cell, notebook, model)
                except PhraseError as error:
                    where = f"cell {cell.tag}, task {one_line(task)}"
                    sources.skip(notebook.path, error, where)
    return found


def _add(entry: Entry, marked: Any, cell: Cell, notebook: Notebook, model: str) -> None:
    """Add what a cell's marker is for to the entry. Raises PhraseError."""
    if isinstance(marked, str):
        entry.reason = safe.markdown(marked)
        return
    texts = isinstance(marked, list) and all(isinstance(one, str) for one in marked)
    if not marked or not texts:
        raise PhraseError("it should be a text or a list of texts")
    source = snippet(cell.source, marked, notebook.language)
    code = cells.highlight(source, notebook.language)
    name = f"{entry.family.prefix}_{model}"
    entry.snippets.append(Snippet(name, model, cell.tag, source, code))


def snippet(source: str, beginnings: Iterable[str], language: str) -> str:
    """The statements that start with the beginnings, each dedented, an ellipsis for what is between.

    Raises PhraseError.
    """
    lines = source.split("\n")
    depths = _depths(source, language)
    spans: list[list[int]] = []
    for start in sorted(_start(lines, beginning) for beginning in beginnings):
        end = _end(lines, depths, start)
        if spans and start <= spans[-1][1]:  # within the statement before
            spans[-1][1] = max(end, spans[-1][1])
        else:
            spans.append([start, end])
    return "\n".join(_joined(lines, spans))


def _start(lines: Sequence[str], beginning: str) -> int:
    """The one line that starts so."""
    found = [n for n, line in enumerate(lines) if line.strip().startswith(beginning)]
    if len(found) != 1:
        times = "no line starts" if not found else f"{len(found)} lines start"
        raise PhraseError(f"{times} with {beginning!r}")
    return found[0]


@functools.cache
def _depths(source: str, language: str) -> list[int]:
    """How many brackets are open at the end of each line; those in strings do not count."""
    depths, depth = [], 0
    for kind, text in cells.tokens(source, language):
        for part in re.split(r"(\n)", text):
            if part == "\n":
                depths.append(depth)
            elif kind in Punctuation or kind in Operator:
                depth += sum(map(part.count, "([{")) - sum(map(part.count, ")]}"))
    return depths


def _end(lines: Sequence[str], depths: Sequence[int], start: int) -> int:
    """The last line of the statement: its brackets are closed, its block, if it opens one, is over."""
    outside = depths[start - 1] if start else 0
    ends = (n for n in range(start, len(lines)) if depths[n] <= outside)
    end = next(ends, len(lines) - 1)
    body = end
    for number in range(end + 1, len(lines)):
        if lines[number].strip():
            if _indent(lines[number]) <= _indent(lines[start]):
                break
            body = number
    after = lines[body + 1].strip() if body + 1 < len(lines) else ""
    closes = body > end and re.match(r"end\b", after)
    return body + 1 if closes else body


def _joined(lines: Sequence[str], spans: Iterable[Sequence[int]]) -> Iterator[str]:
    """The lines of the spans; a gap of code becomes an ellipsis, one of nothing an empty line."""
    previous = None
    for start, end in spans:
        between = lines[previous + 1 : start] if previous is not None else ()
        if between:
            yield cells.ELLIPSIS if any(line.strip() for line in between) else ""
        yield textwrap.dedent("\n".join(lines[start : end + 1]))
        previous = end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
