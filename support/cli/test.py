"""Run the tests; arguments go to pytest, such as -k NAME."""

import argparse
import os

from support.basics.errors import NotPossible


def run(options: argparse.Namespace) -> int:
    try:
        import pytest
    except ModuleNotFoundError:  # an environment that conda made
        command = "pip install --require-hashes -r tests/requirements.txt"
        raise NotPossible("the tests need more packages", command) from None

    from support.basics.paths import ROOT

    os.chdir(ROOT)
    return int(pytest.main(options.arguments))
