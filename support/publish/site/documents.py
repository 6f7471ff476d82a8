"""Documents: the Markdown pages of docs/ and of results/ as pages of the site."""

import posixpath
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from markupsafe import Markup

from support.basics.paths import ROOT
from support.publish import sources
from support.publish.site import safe
from support.publish.site.pages import Site
from support.publish.table import is_address

# What is turned into pages if it exists.
KEPT = "|".join(sources.PROOFS)
PATTERNS = (
    *(f"results/*/{proof}/README.md" for proof in sources.PROOFS),
    "results/*.md",
    "results/2018/README.md",
    "docs/*.md",
    "CONTRIBUTING.md",
)
# What has pages of its own.
ELSEWHERE = ("results/README.md", "results/false-friends.md")
HEADING = re.compile(r"<h1>(.*?)</h1>", re.S)


@dataclass(frozen=True)
class Document:
    """A Markdown file; `folder` is where it lies in the repository."""

    folder: str
    title: str
    html: str


def find() -> dict[str, Document]:
    """Path in the site -> document. One that cannot be read is named and left out."""
    found = {}
    for pattern in PATTERNS:
        for file in sorted(ROOT.glob(pattern)):
            path = file.relative_to(ROOT)
            if path.as_posix() in ELSEWHERE:
                continue
            document = _read(file, path.parent.as_posix())
            if document:
                found[_place(path.as_posix())] = document
    return found


def _read(file: Path, folder: str) -> Document | None:
    top = file.relative_to(ROOT).parts[0]
    if not sources.may_publish(file, ROOT if top == file.name else ROOT / top):
        return None
    try:
        html = _anchored(safe.markdown(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        sources.skip(file, error)
        return None
    heading = HEADING.search(html)
    title = Markup(heading[1]).striptags() if heading else file.stem
    return Document(folder, title, html)


def _anchored(html: str) -> Markup:
    """The page with a place to link to at each heading."""

    def anchor(found: re.Match[str]) -> str:
        level, heading = found[1], found[2]
        place = anchor_of(Markup(heading).striptags())
        return f'<h{level} id="{quote(place)}">{heading}</h{level}>'

    return Markup(re.sub(r"<h([23])>(.*?)</h\1>", anchor, html, flags=re.S))


def anchor_of(title: str) -> str:
    """The place of a heading in its page, as GitHub calls it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def write(site: Site, found: Mapping[str, Document]) -> None:
    """The pages; links go to what the site has by now, and to each other."""
    pages = site.written | set(found)
    for path, document in found.items():
        html = _anchored(
            safe.clean(document.html, _links(document.folder, path, pages))
        )
        site.page(path, "document.html", name=document.title, html=html)


def _links(here: str, page: str, pages: Collection[str]) -> Callable[[str], str | None]:
    """What turns a link's target into one in the site; None where the site has no such thing."""

    def relink(href: str) -> str | None:
        if is_address(href):
            return href
        path, _, fragment = href.partition("#")
        target = _place(posixpath.normpath(posixpath.join(here, unquote(path))))
        if path and target not in pages:
            return None
        relative = posixpath.relpath(target, posixpath.dirname(page)) if path else ""
        return quote(relative) + (f"#{fragment}" if fragment else "")

    return relink


def _place(path: str) -> str:
    """Where the site has what lies at this path of the repository."""
    path = re.sub(r"^(results/.*?)/(?:notebooks|records)/([^/]*)$", r"\1/\2", path)
    path = re.sub(rf"/({KEPT})/README\.md$", r"/\1.html", path)
    path = {"README.md": "index.html", "results/README.md": "results.html"}.get(
        path, path
    )
    path = re.sub(r"(^|/)README\.md$", r"\1index.html", path)
    return re.sub(r"\.(ipynb|json|md)$", ".html", path)
