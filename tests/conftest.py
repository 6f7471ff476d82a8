"""What all tests may use: toy checkouts, see toy_checkout.py, a toy site, see toy_site.py,
and a browser.

Without arguments the quick lane runs: all tests but those marked `slow` or `slowest`. `--all` adds the
slow ones. The slowest run where tests are selected by name, path or mark: parity of notebooks whose
proof is on record, which the weekly workflow does again.
"""

import os

import pytest
from toy_checkout import checkout, template
from toy_site import served, site, view

from support.basics.errors import NotPossible

__all__ = ["checkout", "served", "site", "template", "view"]


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="slow tests too")


def pytest_configure(config):
    slow = "slow: takes long, or needs the environment of a large framework"
    config.addinivalue_line("markers", slow)
    config.addinivalue_line(
        "markers", "slowest: takes minutes, and what it shows is on record"
    )


def pytest_collection_modifyitems(config, items):
    chosen = config.option.keyword or config.option.markexpr
    by_path = config.args_source is pytest.Config.ArgsSource.ARGS
    if chosen or by_path:
        return
    marks = {"slowest"} if config.option.all else {"slow", "slowest"}
    left = [i for i in items if marks & {mark.name for mark in i.iter_markers()}]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session", autouse=True)
def own_locks(tmp_path_factory):
    """Each process of tests uses the CPU as if it were alone, and waits for nobody."""
    os.environ["ROSETTA_LOCKS"] = str(tmp_path_factory.mktemp("locks"))


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; one for all tests, as Playwright starts but once."""
    from support.publish.site.browser import open_browser

    try:
        with open_browser() as found:
            yield found
    except NotPossible as error:
        pytest.skip(str(error))
