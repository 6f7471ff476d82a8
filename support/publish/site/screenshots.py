"""Screenshots: the README's pictures of the site; `python -m support.publish.site.screenshots` remakes them.

They look best where the fonts Inter and JetBrains Mono are installed, as on a reader's own system
the site takes what is there.
"""

import tempfile
from pathlib import Path

from support import registry
from support.publish.site import build, pairs
from support.publish.site.browser import open_browser
from support.publish.site.families import families
from support.publish.views import traps

FOLDER = Path(__file__).with_name("screenshots")
SIZE = {"width": 1360, "height": 850}
SHOTS = {  # name -> page, colours, what to bring into view
    "compare": ("compare.html#CNN/{}/{}", "light", "#row-optimizer"),
    "phrasebook": ("phrasebook.html#find=momentum", "light", None),
    "results": ("results.html", "dark", "#RNN"),
}


def _best() -> tuple[str, ...]:
    """The two notebooks that the first page shows."""
    found = pairs.find(families(registry.frameworks()))
    best = pairs.best(found, traps.traps())
    return tuple(family.prefix for family in best.both) if best else ("", "")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        site = Path(folder, "site")
        build.build(site)
        for name, (page, colours, part) in SHOTS.items():
            view = browser.new_page(viewport=SIZE, color_scheme=colours)
            view.goto(f"{site.as_uri()}/{page.format(*_best())}")
            view.wait_for_load_state("networkidle")
            if part:
                view.locator(part).evaluate("part => part.scrollIntoView()")
            view.screenshot(path=FOLDER / f"{name}.png")
            view.close()


if __name__ == "__main__":
    main()
