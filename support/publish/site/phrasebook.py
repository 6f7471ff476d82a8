"""Phrasebook: how each framework says the same thing, in the words of its own notebooks.

A code cell's metadata names what it shows: `"phrases": {"<task>": ["<beginning of a line>", ...]}`
or, where the framework has no such thing, `"phrases": {"<task>": "why not"}`. From each beginning
the whole statement is taken. The tasks are in phrasebook.toml.
"""

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from pygments.token import Operator, Punctuation

from support.basics.errors import UsageError
from support.publish.site import cells, safe
from support.publish.site.cells import Notebook
from support.publish.site.families import Family
from support.publish.site.pages import Site
from support.registry.reading import tomllib

TASKS = Path(__file__).with_name("phrasebook.toml")
ELLIPSIS = "…"
Notebooks = Mapping[tuple[str, str], Notebook]  # by prefix and model


class PhraseError(UsageError):
    """A marker that does not fit its cell."""


@dataclass(frozen=True)
class Task:
    """What a reader wants to do."""

    id: str
    group: str
    title: str
    about: str


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
    return [Task(**entry) for entry in content["tasks"]]


def write(site: Site, families: Sequence[Family], notebooks: Notebooks) -> None:
    """The page."""
    known = tasks()
    families = [family for family in families if not family.tuned]
    found = entries(known, families, notebooks)
    groups = itertools.groupby(known, key=lambda task: task.group)
    site.page(
        "phrasebook.html",
        "phrasebook.html",
        families=families,
        groups=[(name, list(members)) for name, members in groups],
        entries=found,
    )


def entries(
    known: Iterable[Task], families: Sequence[Family], notebooks: Notebooks
) -> dict[str, list[Entry]]:
    """Task id -> the entries of these families, in order; notebooks of others say nothing."""
    found = {task.id: [Entry(family, []) for family in families] for task in known}
    places = {family.prefix: index for index, family in enumerate(families)}
    for (prefix, model), notebook in notebooks.items():
        for cell in notebook.cells if prefix in places else ():
            for task, marked in (cell.phrases or {}).items():
                where = f"{notebook.path.name}, cell {cell.tag}, task {task}"
                if task not in found:
                    raise PhraseError(f"{where}: there is no such task")
                entry = found[task][places[prefix]]
                if isinstance(marked, str):
                    entry.reason = safe.markdown(marked)
                else:
                    source = snippet(cell.source, marked, notebook.language, where)
                    code = cells.highlight(source, notebook.language)
                    name = f"{prefix}_{model}"
                    entry.snippets.append(Snippet(name, model, cell.tag, source, code))
    return found


def snippet(
    source: str, beginnings: Iterable[str], language: str, where: str = "here"
) -> str:
    """The statements that start with the beginnings, each dedented, an ellipsis for what is between."""
    lines = source.split("\n")
    depths = _depths(source, language)
    spans: list[list[int]] = []
    for start in sorted(_start(lines, beginning, where) for beginning in beginnings):
        end = _end(lines, depths, start)
        if spans and start <= spans[-1][1]:  # within the statement before
            spans[-1][1] = max(end, spans[-1][1])
        else:
            spans.append([start, end])
    return "\n".join(_joined(lines, spans))


def _start(lines: Sequence[str], beginning: str, where: str) -> int:
    """The one line that starts so."""
    found = [n for n, line in enumerate(lines) if line.strip().startswith(beginning)]
    if len(found) != 1:
        times = "no line starts" if not found else f"{len(found)} lines start"
        raise PhraseError(f"{where}: {times} with {beginning!r}")
    return found[0]


def _depths(source: str, language: str) -> list[int]:
    """How many brackets are open at the end of each line; those in strings do not count."""
    depths, depth = [], 0
    for kind, text in cells.lexer(language).get_tokens(source):
        for part in re.split(r"(\n)", text):
            if part == "\n":
                depths.append(depth)
            elif kind in Punctuation or kind in Operator:
                depth += sum(map(part.count, "([{")) - sum(map(part.count, ")]}"))
    return depths


def _end(lines: Sequence[str], depths: Sequence[int], start: int) -> int:
    """The last line of the statement: its brackets are closed, its block, if it opens one, is over."""
    outside = depths[start - 1] if start else 0
    end = next(n for n in range(start, len(lines)) if depths[n] <= outside)
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
            yield ELLIPSIS if any(line.strip() for line in between) else ""
        yield textwrap.dedent("\n".join(lines[start : end + 1]))
        previous = end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
