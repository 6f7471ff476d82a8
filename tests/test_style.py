"""The linter, the formatter and the type checker have nothing to say."""

import re
import subprocess
import sys

import pytest

from support.basics.digests import code_of
from support.basics.paths import REGISTRY, ROOT

FRAMEWORKS = REGISTRY / "frameworks"
ENVIRONMENTS = {path.name for path in (REGISTRY / "environments").iterdir()}


TOOLS = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]]


@pytest.mark.parametrize("arguments", TOOLS, ids=" ".join)
def test_a_tool_has_nothing_to_say(arguments):
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_are_short_enough_to_read():
    """The reference alone is longer: it is one thing, to be checked by eye."""
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for path in (ROOT / "support").rglob("*.py")
    }
    longest = {name for name, length in lengths.items() if length > 300}
    assert longest == {"support/equivalence/reference.py"}


def test_frameworks_are_named_in_their_own_files_alone():
    """What is about one framework stands in its notebooks and its entry."""
    names = {re.escape(path.stem) for path in FRAMEWORKS.glob("*.toml")}
    names.remove("NumPy")  # which common/ and support/ compute with
    for path in [*(ROOT / "support").rglob("*.py"), *(ROOT / "common").glob("*.py")]:
        if path.parent.name in ("probes", *ENVIRONMENTS):
            continue  # scripts of one environment
        code = code_of(path)
        for name in names:
            assert not re.search(rf"\b{name}\b", code), f"{path}: {name}"
