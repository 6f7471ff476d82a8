"""Screenshots: the README's pictures of the site; `python -m support.publish.site.screenshots` remakes them.

They look best where the fonts Inter and JetBrains Mono are installed, as on a reader's own system
the site takes what is there.
"""

import tempfile
from pathlib import Path

from support.publish.site import build
from support.publish.site.browser import open_browser

FOLDER = Path(__file__).with_name("screenshots")
SIZE = {"width": 1360, "height": 850}
SHOTS = {  # name -> page, colours, what to bring into view
    "compare": ("compare.html#CNN/PyTorch/JAX", "light", "#row-optimizer"),
    "phrasebook": ("phrasebook.html#find=momentum", "light", None),
    "results": ("results.html", "dark", "#RNN"),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        site = Path(folder, "site")
        build.build(site)
        for name, (page, colours, part) in SHOTS.items():
            view = browser.new_page(viewport=SIZE, color_scheme=colours)
            view.goto(f"{site.as_uri()}/{page}")
            view.wait_for_load_state("networkidle")
            if part:
                view.locator(part).evaluate("part => part.scrollIntoView()")
            view.screenshot(path=FOLDER / f"{name}.png")
            view.close()


if __name__ == "__main__":
    main()
