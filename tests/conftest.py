"""What all tests may use: toy checkouts, see toy_checkout.py."""

from toy_checkout import checkout, template

__all__ = ["checkout", "template"]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than half a minute")
