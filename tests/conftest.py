"""What all tests may use: toy checkouts, see toy_checkout.py, and a browser."""

import pytest
from toy_checkout import checkout, template

from support.basics.errors import NotPossible

__all__ = ["checkout", "template"]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than half a minute")


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; one for all tests, as Playwright starts but once."""
    from support.publish.site.browser import open_browser

    try:
        with open_browser() as found:
            yield found
    except NotPossible as error:
        pytest.skip(str(error))
