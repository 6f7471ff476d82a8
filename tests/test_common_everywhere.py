"""common/ runs unchanged on the oldest and the newest Python, with NumPy alone."""

import subprocess

import pytest

from support.basics.errors import NotPossible
from support.basics.paths import ROOT
from support.environments import interpreters, uv

pytestmark = pytest.mark.slow

PYTHONS = {
    "3.6": ["numpy==1.16.6", "pytest==7.0.1"],
    "3.13": ["numpy==2.4.6", "pytest==9.2.0"],
}


@pytest.mark.parametrize("version", PYTHONS)
def test_its_tests_pass(version):
    try:
        python = interpreters.find(version, uv.path())
    except NotPossible as error:
        pytest.skip(str(error))
    packages = [word for package in PYTHONS[version] for word in ("--with", package)]
    run = [uv.path(), "run", "--quiet", "--no-project", "--python", python, *packages]
    tests = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/common"]
    done = subprocess.run(
        [*run, *tests],
        cwd=ROOT,
        env=uv.settings(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
