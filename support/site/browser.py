"""Browser: the Chromium that the site's tests and screenshots look through."""

import contextlib
import shutil
from pathlib import Path

from support.environments import provide_system_packages
from support.registry import Environment

CHROMIUM = Environment(
    name="chromium",
    python="",
    needs=("Chromium",),
    check=("chromium", "--version"),
    debian=("chromium", "fonts-dejavu-core"),  # without a font it shows no text
)
ARGUMENTS = ("--no-sandbox",)  # there is none for root in a container


@contextlib.contextmanager
def open_browser():
    """A running headless Chromium. Raises NotPossible if there is none and none may be installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        path = shutil.which("chromium") or (str(own) if own.exists() else None)
        if path is None:
            provide_system_packages(CHROMIUM)
            path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
