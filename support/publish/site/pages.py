"""Pages: templates filled in and written, each with relative links back to the site's root."""

import base64
import functools
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from support.publish.site import safe
from support.publish.table import is_address
from support.publish.text import visible

HERE = Path(__file__).parent
# A page may run the site's own scripts, told by their digests. They stand in the page itself: where
# a page is opened as a file, browsers check no digest of a script in another file, and to admit
# file: would admit every file. The comparison alone loads scripts, its cells, which
# 'strict-dynamic' admits for being loaded by one that is admitted. 'self' means nothing to some
# browsers where the page is a file itself.
POLICY = (
    "default-src 'none'; script-src {}; style-src 'self' file:; "
    "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)
EVERYWHERE = "site"  # the script of all pages
LOADING = "compare"  # the script that loads others


class Site:
    """The folder that pages are written to, and what all of them share.

    `places` says which page shows a file of the repository, for the links of tables.
    """

    def __init__(self, folder: Path, places: dict[str, str], **shared: Any) -> None:
        self.folder = folder
        self.written: set[str] = set()
        self._places = places
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            finalize=_shown,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(link=self._link, **shared)

    def _link(self, target: str, root: str) -> str:
        """Where a cell's link leads; "" where the site has no such thing."""
        if is_address(target):
            return target
        place = self._places.get(target, "")
        return root + quote(place) if place else ""

    def page(
        self, path: str, template: str, scripts: Sequence[str] = (), **values: Any
    ) -> None:
        """Fill in a template, with scripts by their names, and write it."""
        scripts = [EVERYWHERE, *scripts]
        values.update(here=path, root="../" * path.count("/"), policy=_policy(scripts))
        found = self._templates.get_template(template)
        self.write(path, found.render(scripts=map(_script, scripts), **values))

    def write(self, path: str, text: str) -> None:
        """Write a file of the site."""
        self._target(path).write_text(text, encoding="utf-8")

    def script(self, path: str, function: str, *arguments: Any) -> None:
        """Write a script that calls a function with data: the one way to load data from file://."""
        data = ", ".join(json.dumps(a, ensure_ascii=False) for a in arguments)
        self.write(path, f"{function}({data});\n")

    def copy(self, source: Path, path: str) -> None:
        """Copy a file into the site."""
        shutil.copyfile(source, self._target(path))

    def copy_static(self) -> None:
        """The style sheet and the icon."""
        for source in sorted((HERE / "static").iterdir()):
            self.copy(source, f"static/{source.name}")

    def _target(self, path: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self.written.add(path)
        return target


def _shown(value: Any) -> Any:
    """A template's value: HTML as it is, text without what would hide or turn it."""
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return visible(value) if plain else value


@functools.cache
def _script(name: str) -> Markup:
    """One of the site's own scripts."""
    return safe.own((HERE / "scripts" / f"{name}.js").read_text(encoding="utf-8"))


def _policy(scripts: Sequence[str]) -> str:
    """What a page with these scripts may do."""
    digests = [hashlib.sha256(_script(name).encode()).digest() for name in scripts]
    admitted = [f"'sha256-{base64.b64encode(one).decode()}'" for one in digests]
    if LOADING in scripts:
        admitted.append("'strict-dynamic'")
    return POLICY.format(" ".join(admitted))
