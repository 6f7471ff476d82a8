"""Pages: templates filled in and written, each with relative links back to the site's root."""

import json
import shutil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
# Scripts and styles of the site's own files alone; 'self' means nothing to some browsers where
# the page is a file itself.
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; "
    "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)


class Site:
    """The folder that pages are written to, and what all of them share."""

    def __init__(self, folder, **shared):
        self.folder = folder
        self.written = set()
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(policy=POLICY, **shared)

    def page(self, path, template, **values):
        """Fill in a template and write it."""
        root = "../" * path.count("/")
        text = self._templates.get_template(template).render(
            root=root, here=path, **values
        )
        self.write(path, text)

    def write(self, path, text):
        """Write a file of the site."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        self.written.add(path)

    def script(self, path, function, *arguments):
        """Write a script that calls a function with data: the one way to load data from file://."""
        data = ", ".join(json.dumps(a, ensure_ascii=False) for a in arguments)
        self.write(path, f"{function}({data});\n")

    def copy(self, source, path):
        """Copy a file into the site."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        self.written.add(path)

    def copy_static(self):
        """The style sheet and the scripts."""
        for source in sorted((HERE / "static").iterdir()):
            self.copy(source, f"static/{source.name}")
