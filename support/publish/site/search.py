"""Search: an index of all that the site says, made by Pagefind, which the browser reads in parts.

A task of the phrasebook is one entry with the words of all frameworks, so that a name of one
framework finds what the others call it. Words that no notebook uses are the tasks' aliases.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup, escape

from support.basics.errors import NotPossible
from support.publish import lessons
from support.publish.site import frameworks
from support.publish.site.compare import Notebooks
from support.publish.site.documents import Document, anchor_of
from support.publish.site.families import Family
from support.publish.site.pages import Site
from support.publish.site.pairs import Pair
from support.publish.site.phrasebook import Entry, Task
from support.publish.text import one_line, visible
from support.publish.views.traps import Trap

FOLDER = "pagefind"
# What Pagefind writes for pages that use its own interface.
UNUSED = ("*ui*", "*highlight*", "wasm.unknown.*")
TITLE = 8  # how much a word of a title counts, beside one of the text
SECTION = re.compile(r'<h2 id="([^"]*)">(.*?)</h2>', re.S)


@dataclass(frozen=True)
class Found:
    """What a search may find: a place in the site, with the words that lead there.

    `also` are other titles, which count as much as the title. `said` is what each family has
    there, by prefix, if the place is one of all of them.
    """

    kind: str
    title: str
    path: str
    words: str
    also: Sequence[str] = ()
    said: Mapping[str, Sequence[str]] = field(default_factory=dict)


def tasks(
    known: Iterable[Task],
    entries: Mapping[str, Sequence[Entry]],
    names: Mapping[tuple[str, str], Sequence[tuple[str, str]]],
) -> Iterator[Found]:
    """The phrasebook's tasks."""
    for task in known:
        said = {
            entry.family.prefix: [
                name for name, _ in names[task.id, entry.family.prefix]
            ]
            for entry in entries[task.id]
        }
        code = [s.source for entry in entries[task.id] for s in entry.snippets]
        reasons = [Markup(entry.reason).striptags() for entry in entries[task.id]]
        words = [task.about, *code, *reasons]
        words += [name for found in said.values() for name in found]
        path = f"phrasebook.html#{task.id}"
        yield Found("task", task.title, path, "\n".join(words), task.aliases, said)


def answers(families: Iterable[Family]) -> Iterator[Found]:
    """What the article found to matter for speed, with each family's answer."""
    families = list(families)
    for key, lesson in lessons.LESSONS.items():
        said = {f.prefix: lessons.answer(f, key) for f in families}
        said = {prefix: text for prefix, text in said.items() if text}
        path = f"docs/lessons.html#{anchor_of(lesson.title)}"
        words = "\n".join([lesson.title, lesson.text, *said.values()])
        shown = {prefix: [text] for prefix, text in said.items()}
        yield Found("task", lesson.title, path, words, said=shown)


def traps(known: Iterable[Trap], page: str) -> Iterator[Found]:
    """The false friends."""
    for trap in known:
        mistakes = (mistake.title for mistake in trap.mistakes)
        words = "\n".join([trap.title, trap.text, *trap.choices.values(), *mistakes])
        yield Found("trap", trap.title, f"{page}#{trap.anchor}", words)


def pages(
    families: Iterable[Family], pairs: Iterable[Pair], documents: Mapping[str, Document]
) -> Iterator[Found]:
    """The pages of frameworks and pairs, and each section of the documentation."""
    for family in families:
        words = f"{family.label} {family.language} {family.state}"
        yield Found("page", family.label, frameworks.page(family), words)
    for pair in pairs:
        yield Found("page", pair.title, pair.path, pair.title)
    for path, document in documents.items():
        parts = SECTION.split(document.html)
        yield Found("page", document.title, path, _text(parts[0]))
        for place, heading, html in zip(parts[1::3], parts[2::3], parts[3::3]):
            title = f"{document.title}: {_text(heading)}"
            yield Found("page", title, f"{path}#{place}", f"{title}\n{_text(html)}")


def cells(families: Iterable[Family], notebooks: Notebooks) -> Iterator[Found]:
    """The cells of the notebooks."""
    labels = {family.prefix: family.label for family in families}
    for (prefix, model), notebook in notebooks.items():
        for cell in notebook.cells if prefix in labels else ():
            if cell.tag and cell.tag != "title":
                title = f"{labels[prefix]} {model}: {cell.tag}"
                path = f"notebooks/{prefix}_{model}.html#{cell.tag}"
                yield Found("cell", title, path, f"{_text(cell.prose)}\n{cell.source}")


def _text(html: str) -> str:
    return Markup(html).striptags()


def write(site: Site, found: Iterable[Found], families: Sequence[Family]) -> None:
    """The page that searches, and its index. NotPossible says why there can be none."""
    site.page("search.html", "search.html", ["search"], families=families)
    folder = site.folder / FOLDER
    with tempfile.TemporaryDirectory() as pages:
        for number, one in enumerate(found):
            Path(pages, f"{number}.html").write_text(_page(one), encoding="utf-8")
        _index(pages, folder)
    for pattern in UNUSED:
        for path in folder.glob(pattern):
            path.unlink()


def _index(pages: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pagefind", "--site", pages]
    made = subprocess.run(
        [*command, "--output-path", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        reason = (made.stderr.strip() or made.stdout.strip()).split("\n")[-1]
        raise NotPossible(f"the search index cannot be made: {reason}")


def _page(found: Found) -> str:
    """The entry as a page that Pagefind reads: what is shown are attributes, words are text."""
    shown = {
        "kind": found.kind,
        "title": one_line(found.title),
        "path": found.path,
        "said": json.dumps(found.said, ensure_ascii=False),
    }
    values = " ".join(f'data-{name}="{escape(text)}"' for name, text in shown.items())
    captured = ", ".join(f"{name}[data-{name}]" for name in shown)
    titles = escape(visible(" ".join([found.title, *found.also])))
    words = escape(visible(_words(found)))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>-</title><body>'
        f'<p data-pagefind-weight="{TITLE}">{titles}</p>'
        f'<pre {values} data-pagefind-meta="{captured}">{words}</pre></body></html>'
    )


def _words(found: Found) -> str:
    """The words of an entry, with names such as nn.GRU in parts and whole."""
    whole = re.findall(r"\w+(?:[.$]\w+)+", found.words)
    parts = {part for name in whole for part in re.split(r"[.$]", name)}
    return " ".join([found.words, *sorted(parts)])
