"""The command line as a user starts it."""

import os
import subprocess
import sys

from support.basics.paths import ROOT


def run_all(*arguments, **variables):
    """The finished `python run_all.py …`, with these environment variables beside the caller's."""
    return subprocess.run(
        [sys.executable, str(ROOT / "run_all.py"), *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
