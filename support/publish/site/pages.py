"""Pages: templates filled in and written, each with relative links back to the site's root."""

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
# Scripts and styles of the site's own files alone; 'self' means nothing to some browsers where
# the page is a file itself.
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; "
    "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)


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
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(policy=POLICY, link=self._link, **shared)

    def _link(self, target: str, root: str) -> str:
        """Where a cell's link leads; "" where the site has no such thing."""
        if target.startswith(("https://", "http://")):
            return target
        place = self._places.get(target, "")
        return root + quote(place) if place else ""

    def page(self, path: str, template: str, **values: Any) -> None:
        """Fill in a template and write it."""
        root = "../" * path.count("/")
        found = self._templates.get_template(template)
        self.write(path, found.render(root=root, here=path, **values))

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
        """The style sheet and the scripts."""
        for source in sorted((HERE / "static").iterdir()):
            self.copy(source, f"static/{source.name}")

    def _target(self, path: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self.written.add(path)
        return target
