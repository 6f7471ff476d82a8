"""What all tests may use: toy checkouts, see toy_checkout.py, and a browser.

Without arguments the quick lane runs: all tests but those marked `slow`. `--all` adds these. Whoever
selects tests by name, path or mark gets what was selected, slow or not.
"""

import pytest
from toy_checkout import checkout, template

from support.basics.errors import NotPossible

__all__ = ["checkout", "template"]


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="slow tests too")


def pytest_configure(config):
    slow = "slow: takes long, or needs the environment of a large framework"
    config.addinivalue_line("markers", slow)


def pytest_collection_modifyitems(config, items):
    chosen = config.option.keyword or config.option.markexpr
    by_path = config.args_source is pytest.Config.ArgsSource.ARGS
    if config.option.all or chosen or by_path:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    items[:] = [item for item in items if item not in slow]
    config.hook.pytest_deselected(items=slow)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; one for all tests, as Playwright starts but once."""
    from support.publish.site.browser import open_browser

    try:
        with open_browser() as found:
            yield found
    except NotPossible as error:
        pytest.skip(str(error))
