"""Documents: generated Markdown pages of results/ as pages of the site."""

import functools
import posixpath
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import unquote

from markupsafe import Markup

from support.basics.paths import RESULTS, ROOT
from support.publish.site import safe
from support.publish.site.pages import Site

# What is turned into pages if it exists.
PROOFS = ("parity", "transfer", "mistakes")
KEPT = "|".join(PROOFS)
PATTERNS = (*(f"*/{proof}/README.md" for proof in PROOFS), "*.md", "2018/README.md")
LINK = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"[^>]*>(.*?)</a>', re.S)
HEADING = re.compile(r"<h1>(.*?)</h1>", re.S)


def find() -> dict[str, Path]:
    """Path in the site -> Markdown file."""
    files = [file for pattern in PATTERNS for file in sorted(RESULTS.glob(pattern))]
    return {_place(file.relative_to(ROOT).as_posix()): file for file in files}


def write(site: Site, found: Mapping[str, Path]) -> None:
    """The pages; links go to what the site has by now, and to each other."""
    pages = site.written | set(found)
    for path, file in found.items():
        html = safe.markdown(file.read_text(encoding="utf-8"))
        here = file.parent.relative_to(ROOT).as_posix()
        relink = functools.partial(_relink, here=here, page=path, pages=pages)
        html = Markup(LINK.sub(relink, html))
        site.page(path, "document.html", name=title(file), html=html)


def title(file: Path) -> str:
    """A Markdown file's first heading, else its name."""
    html = safe.markdown(file.read_text(encoding="utf-8"))
    heading = HEADING.search(html)
    return Markup(heading[1]).striptags() if heading else file.stem


def _relink(link: re.Match[str], here: str, page: str, pages: Collection[str]) -> str:
    """The link with its target in the site; only its text where the site has no such thing."""
    href, text = link.groups()
    if re.match(r"[a-z]+:", href):
        return link[0]
    path, _, fragment = href.partition("#")
    target = _place(posixpath.normpath(posixpath.join(here, unquote(path))))
    if path and target not in pages:
        return text
    relative = posixpath.relpath(target, posixpath.dirname(page)) if path else ""
    return f'<a href="{relative}{"#" + fragment if fragment else ""}">{text}</a>'


def _place(path: str) -> str:
    """Where the site has what lies at this path of the repository."""
    path = re.sub(r"^(results/.*?)/(?:notebooks|records)/([^/]*)$", r"\1/\2", path)
    path = re.sub(rf"/({KEPT})/README\.md$", r"/\1.html", path)
    path = "index.html" if path == "README.md" else path
    path = re.sub(r"(^|/)README\.md$", r"\1index.html", path)
    return re.sub(r"\.(ipynb|json|md)$", ".html", path)
