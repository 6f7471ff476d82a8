"""What may enter a page: Markdown and foreign HTML, stripped of everything that could act."""

import functools
import re
from collections.abc import Callable

import mistune
import nh3
from markupsafe import Markup

from support.publish.text import marked

IMAGES = (
    "data:image/png;",
    "data:image/jpeg;",
    "data:image/gif;",
    "data:image/svg+xml;",
)
EMPTY_IMAGE = re.compile(r"<img(?![^>]*\ssrc=)[^>]*>")
PLUGINS = ["table", "strikethrough"]
Relink = Callable[[str], str | None]


def clean(html: str, relink: Relink = str) -> Markup:
    """The HTML with nothing in it that runs, styles, or asks another site for something.

    `relink` gives the targets that links get, or None for those to be dropped.
    """

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "src":
            return value if tag == "img" and value.startswith(IMAGES) else None
        if value.strip().lower().startswith("data:"):
            return None
        return relink(value) if (tag, attribute) == ("a", "href") else value

    kept = nh3.clean(
        html,
        url_schemes={"http", "https", "mailto", "data"},
        attribute_filter=keep,
        link_rel="noopener noreferrer",
    )
    return Markup(EMPTY_IMAGE.sub("", marked(kept)))


@functools.cache
def markdown(text: str) -> Markup:
    """Markdown as safe HTML; its own HTML is shown, not obeyed."""
    return clean(str(_renderer()(text)))


@functools.cache
def _renderer() -> mistune.Markdown:
    return mistune.create_markdown(escape=True, plugins=PLUGINS)


def own(html: str) -> Markup:
    """HTML of this project's own making, which needs no cleaning."""
    return Markup(html)
