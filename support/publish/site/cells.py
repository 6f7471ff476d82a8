"""Cells: a notebook's prose, code and outputs as safe HTML, each cell with its tag."""

import base64
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pygments
from markupsafe import Markup
from nbconvert.filters.ansi import strip_ansi
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, String
from pygments.util import ClassNotFound

from support.basics.text import first_line
from support.publish import sources
from support.publish.site import safe
from support.publish.text import marked, one_line, visible

# Pygments' classes that the style sheet colours; spans of others would be two thirds of a page.
COLOURED = (
    "c|c1|ch|cm|cs|err|fm|il|k|kc|kd|kn|kp|kr|kt|m|mb|mf|mh|mi|mo|nc|nd|nf|ow|"
    "s|s1|s2|sa|sb|sc|sd|se|sh|si|sr|ss"
)
PLAIN = re.compile(rf'<span class="(?!(?:{COLOURED})")\w+">([^<]*)</span>')
TOKEN = re.compile(r'<span class="(\w+)">')
ELLIPSIS = "…"  # stands for lines that a phrase leaves out
DEEPEST = 40  # columns of indentation that the style sheet knows
LONGEST = 20_000  # characters of one output that are shown
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")


@dataclass(frozen=True)
class Cell:
    """A code cell with the prose above it; the title and closing prose have no code."""

    tag: str
    prose: Markup
    source: str = ""
    code: str = ""
    outputs: tuple[Markup, ...] = ()
    phrases: Mapping[str, Any] = field(default_factory=dict)  # see phrasebook.py


@dataclass(frozen=True, eq=False)
class Notebook:
    """What the site needs of a notebook file."""

    path: Path
    title: str
    language: str
    cells: tuple[Cell, ...]

    def cell(self, tag: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.tag == tag), None)


def read(path: Path) -> Notebook:
    """The notebook in the file."""
    content = nbformat.read(path, as_version=4)
    info = content.metadata.get("language_info", {})
    spec = content.metadata.get("kernelspec", {})
    language = (info.get("name") or spec.get("language") or "text").lower()
    title, cells = _cells(content.cells, language)
    return Notebook(path, title or path.stem, language, tuple(cells))


def read_or_none(path: Path) -> Notebook | None:
    """The notebook in the file; None for one that cannot be read, which is named."""
    try:
        return read(path)
    except Exception as error:  # whatever a file that is none makes nbformat say
        sources.skip(path, first_line(f"{type(error).__name__}: {error}"))
        return None


def _cells(found: Iterable[Any], language: str) -> tuple[str, list[Cell]]:
    """The title, and code cells that have taken in the prose before them."""
    title, cells, prose = "", list[Cell](), list[str]()
    for cell in found:
        if cell.cell_type == "code":
            cells.append(_code_cell(cell, prose, language))
            prose = []
            continue
        heading, text = _split_heading(cell.source)
        if _tag(cell) == "title":
            title = heading
            cells.append(Cell("title", safe.markdown(text)))
        else:
            prose.append(text)
    if prose:
        cells.append(Cell("", safe.markdown("\n\n".join(prose))))
    return title, cells


def _code_cell(cell: Any, prose: Iterable[str], language: str) -> Cell:
    source = marked(cell.source.replace("\r\n", "\n").replace("\r", "\n"))
    return Cell(
        tag=_tag(cell),
        prose=safe.markdown("\n\n".join(prose)),
        source=source,
        code=highlight(source, language),
        outputs=tuple(filter(None, map(_output, _merged(cell.outputs)))),
        phrases=dict(cell.metadata.get("phrases", {})),
    )


def _tag(cell: Any) -> str:
    return one_line("".join(cell.metadata.get("tags", [])[:1]))


def _split_heading(source: str) -> tuple[str, str]:
    """The first line if it is a heading, without its signs, and the rest."""
    first, _, rest = source.partition("\n")
    return (first.lstrip("# "), rest) if first.startswith("#") else ("", source)


@functools.cache
def highlight(source: str, language: str) -> Markup:
    """Code as HTML, a span for each line with its indentation, so that wrapped lines can hang."""
    coloured = pygments.format(tokens(source, language), HtmlFormatter(nowrap=True))
    lines = _shortened(PLAIN.sub(r"\1", coloured)).rstrip("\n").split("\n")
    return Markup("".join(_line(line, s) for line, s in zip(lines, source.split("\n"))))


def _shortened(html: str) -> str:
    """Pygments' HTML with the shortest tags there are: they are more than half of it."""
    return TOKEN.sub(r"<i class=\1>", html).replace("</span>", "</i>")


def _line(html: str, source: str) -> str:
    depth = min(len(source) - len(source.lstrip(" ")), DEEPEST)
    indented = f" class=i{depth}" if depth else ""
    return f"<span{indented}>{html}\n</span>"


@functools.cache
def tokens(source: str, language: str) -> list[tuple[Any, str]]:
    """The code in parts, each with its kind; what is not known to be code is one part."""
    return list(_lexer(language).get_tokens(source))


@functools.cache
def _lexer(language: str) -> Any:
    """Pygments' lexer for the language; plain text for one that it does not know."""
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return get_lexer_by_name("text", stripnl=False)


def without_texts(source: str, language: str) -> str:
    """The code without its comments and strings."""
    return "".join(
        text
        for kind, text in tokens(source, language)
        if kind not in Comment and kind not in String
    )


def _merged(outputs: Iterable[Any]) -> list[Any]:
    """The outputs, those of one stream that follow each other as one."""
    merged: list[Any] = []
    for output in outputs:
        same = merged and output.output_type == merged[-1].output_type == "stream"
        if same and output.name == merged[-1].name:
            text = merged[-1].text + output.text
            merged[-1] = nbformat.from_dict({**merged[-1], "text": text})
        else:
            merged.append(output)
    return merged


def _output(output: Any) -> Markup:
    """One output as safe HTML; "" if nothing of it can be shown."""
    if output.output_type == "stream":
        return _text(output.text)
    if output.output_type == "error":
        return _text("\n".join(output.traceback))
    data = output.get("data", {})
    for kind in PICTURES:
        if kind in data:
            return _picture(kind, data[kind])
    if "text/html" in data:
        return safe.clean(data["text/html"][:LONGEST])
    if "text/markdown" in data:
        return safe.markdown(data["text/markdown"][:LONGEST])
    return _text(data["text/plain"]) if "text/plain" in data else Markup()


def _text(text: str) -> Markup:
    text = visible(strip_ansi(text)).rstrip("\n")
    if len(text) > LONGEST:
        text = text[:LONGEST] + "\n…"
    return Markup("<pre>{}</pre>").format(text)


def _picture(kind: str, content: str) -> Markup:
    """An image that cannot act: scripts in an SVG do not run inside <img>."""
    if kind == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode()
    source = f"data:{kind};base64,{''.join(content.split())}"
    return Markup('<img alt="output" src="{}">').format(source)
