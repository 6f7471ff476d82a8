"""Browser: the Chromium that the site's tests and screenshots look through."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGES = ("chromium", "fonts-dejavu-core")  # without a font it shows no text
ARGUMENTS = ("--no-sandbox",)  # there is none for root in a container


@contextlib.contextmanager
def open_browser() -> Iterator[Any]:
    """A running headless Chromium. Raises NotPossible if there is none and none may be installed."""
    from playwright.sync_api import sync_playwright

    from support.environments.system import provide

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        path = shutil.which("chromium") or (str(own) if own.exists() else None)
        if path is None:
            provide(("Chromium",), ("chromium", "--version"), PACKAGES)
            path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
