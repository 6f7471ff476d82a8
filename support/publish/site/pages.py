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
# A page may run the site's own scripts, which a short script in the page loads: it is known by its
# digest, and 'strict-dynamic' admits what it loads. Where a page is opened as a file, browsers check
# no digest of a script in another file, 'self' means nothing to some of them, and to admit file:
# would admit every file.
POLICY = (
    "default-src 'none'; script-src {}; style-src 'self' file:; "
    "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)
EVERYWHERE = "site"  # the script of all pages
LOADER = """{
const { files } = document.currentScript.dataset;
for (const file of files.split(" ")) {
const script = document.createElement("script");
script.src = file;
script.async = false;
document.head.append(script);
}
}"""
# The search's engine is WebAssembly and fetches its index, where the site is served. 'strict-dynamic'
# would keep it from being imported, so this page has its scripts within.
ENGINE = {"search"}
FETCHING = "; connect-src 'self'; worker-src 'self'"


class Site:
    """The folder that pages are written to, and what all of them share.

    `places` says which page shows a file of the repository, for the links of tables; `shared` are
    values that all templates may use.
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

    def place(self, file: str) -> str:
        """The page that shows a file; "" if none does."""
        return quote(self._places.get(file, ""))

    def _link(self, target: str, root: str) -> str:
        """Where a cell's link leads; "" where the site has no such thing."""
        if is_address(target):
            return target
        place = self.place(target)
        return root + place if place else ""

    def page(
        self,
        path: str,
        template: str,
        scripts: Sequence[str] = (),
        static: bool = False,
        **values: Any,
    ) -> None:
        """Fill in a template, with scripts by their names, and write it.

        `static` pages have no script at all.
        """
        scripts = [] if static else [EVERYWHERE, *scripts]
        root = "../" * path.count("/")
        within = bool(ENGINE & set(scripts))
        bodies = [_script(name) for name in scripts] if within else [LOADER]
        values.update(
            here=path,
            root=root,
            policy=_policy(bodies if scripts else [], within),
            files=[] if within else [f"{root}scripts/{name}.js" for name in scripts],
            scripts=map(safe.own, bodies if scripts else []),
        )
        self.write(path, self._templates.get_template(template).render(**values))

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
        """The style sheet, the icon and the scripts."""
        for name in ("static", "scripts"):
            for source in sorted((HERE / name).iterdir()):
                self.copy(source, f"{name}/{source.name}")

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


def _policy(scripts: Sequence[str], within: bool) -> Markup:
    """What a page with these scripts may do; `within`: they stand in the page, and fetch."""
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    admitted = [f"'sha256-{base64.b64encode(one).decode()}'" for one in digests]
    if within:
        admitted += ["'self'", "'wasm-unsafe-eval'"]
    elif scripts:
        admitted += ["'strict-dynamic'"]
    policy = POLICY.format(" ".join(admitted or ["'none'"]))
    return safe.own(policy + (FETCHING if within else ""))
