"""Toy checkouts: copies of this repository with notebooks and frameworks of a test's own.

They run through the same command line, in real kernels, in an environment that is made once.
"""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

import run_all
from support.environments import uv

ROOT = Path(__file__).resolve().parents[1]
# Settings of the person who runs the tests, which a checkout of a test's own is to know nothing of.
CALLER_S = (
    *("ROSETTA_DATA", "ROSETTA_REPORT", "ROSETTA_RESULTS", "ROSETTA_FRAMEWORKS"),
    *("ROSETTA_STARTED_BY", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"),
)
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

FRAMEWORK = """
label = "{key}"
language = "Python"
environment = "{environment}"
gru = "reset_after"
precisions = ["fp32"]
state = "living"
release = "1"
upstream = "https://example.org"
imports = ["numpy"]
"""
IMPORTS = """import sys, time, os, signal
sys.path.append("..")
from common import Run, load_imdb"""
PARAMETERS = 'FRAMEWORK = "?"\nEPOCHS = 3\nPRECISION = "fp32"\nDATA = "real"'
GOOD = """run = Run(FRAMEWORK, "RNN", DATA, PRECISION, 64)
run.show_versions("cpu", Toy="1.0")
run.initial_weights(42)
run.start_clock(640)
for _ in range(EPOCHS):
    time.sleep(0.01)
    run.end_epoch(0.5)"""
REPORT = "run.report({}, [], accuracy=0.9)"
TRAIN = {
    "Good": GOOD,
    "Raises": "raise ValueError('the loss is not a number')",
    "Killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "Hangs": "time.sleep(600)",
    "Reads": f"load_imdb(DATA)\n{GOOD}",
    "NoPython": "",
}


def _heed_ctrl_c():
    """What runs in the background ignores SIGINT, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Checkout:
    """A checkout in a temporary folder, and what tests do with one."""

    def __init__(self, root):
        self.root = root
        locks = {"TMPDIR": str(root), "ROSETTA_LOCKS": str(root / "locks")}
        self.variables = {**os.environ, **locks, "CUDA_VISIBLE_DEVICES": ""}
        for name in CALLER_S:
            self.variables.pop(name, None)

    def command(self, *arguments):
        """What starts `python run_all.py …`, on the CPU where a device is to be chosen."""
        device = () if arguments[0] in ("tables", "site") else ("--gpu", "none")
        return [sys.executable, str(self.root / "run_all.py"), *arguments, *device]

    def run(self, *arguments, timeout=180, **variables):
        """The finished process of that command."""
        return subprocess.run(
            self.command(*arguments),
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def start(self, *arguments):
        """The running process of the same, its output in one pipe."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_heed_ctrl_c,
        )

    def files(self):
        """Path -> content of all that lies under results/, without the generated pages."""
        kept = (self.root / "results").rglob("*_run-*")
        return {path: path.read_bytes() for path in kept}

    def record(self, key, failed=False):
        """The record of a framework's only run, or of its failure; None if there is none."""
        ending = "run-1.failed.json" if failed else "run-1.json"
        found = list((self.root / "results").rglob(f"{key}_*_{ending}"))
        assert len(found) < 2
        return json.loads(found[0].read_text()) if found else None

    def replace(self, file, old, new):
        """Change a line of the checkout's own copy of a source file."""
        path = self.root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def write_notebook(path, train):
    """A notebook whose train cell is this code."""
    cells = []
    sources = {
        "imports": IMPORTS,
        "parameters": PARAMETERS,
        "train": train,
        "report": REPORT,
    }
    for tag, source in sources.items():
        cell = nbformat.v4.new_code_cell(source, id=tag)
        cell.metadata["tags"] = [tag]
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def make_checkout(root):
    for name in ("support", "common", "docs"):
        shutil.copytree(
            ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("run_all.py", "README.md"):
        shutil.copy(ROOT / name, root)
    shutil.copytree(ROOT / "results" / "2018", root / "results" / "2018")
    (root / ".rosetta").mkdir()
    (root / ".rosetta" / "main").symlink_to(sys.prefix, target_is_directory=True)
    (root / "notebooks").mkdir()
    registry = root / "support" / "registry"
    for name in ("frameworks", "environments"):
        shutil.rmtree(registry / name)
    for key, train in TRAIN.items():
        environment = "future" if key == "NoPython" else "toy"
        write_framework(registry, key, environment)
        write_notebook(root / "notebooks" / f"{key}_RNN.ipynb", train)
    write_environment(registry, "toy", VERSION)
    write_environment(registry, "future", "3.99")
    return Checkout(root)


def write_framework(registry, key, environment="toy"):
    """An entry in a folder like support/registry."""
    path = registry / "frameworks" / f"{key}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FRAMEWORK.format(key=key, environment=environment))
    return path


def write_environment(registry, name, version):
    """An environment's entry and its pins: what the runner's own has, so that nothing is fetched."""
    folder = registry / "environments" / name
    folder.mkdir(parents=True)
    (folder / "environment.toml").write_text(f'python = "{version}"\n')
    (folder / "cpu.in").write_text("ipykernel\nnumpy\n")
    (folder / "cpu.txt").write_text(toy_pins())


@functools.cache
def toy_pins():
    """The runner's own versions of what a notebook needs, as a lock with hashes."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "cpu.in")
        source.write_text("ipykernel\nnumpy\n")
        limits = ["--constraints", str(ROOT / "support" / "requirements.txt")]
        options = ["--quiet", "--generate-hashes", "--no-annotate", "--no-header"]
        target = Path(folder, "cpu.txt")
        command = [*options, *limits, "--python", sys.executable, str(source)]
        uv.run("pip", "compile", *command, "--output-file", str(target))
        return target.read_text()


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A checkout whose environment is made and which has a finished run of Good."""
    if not run_all.runs_in_own_environment([run_all.RUNNER]):
        # a toy checkout would remake what its .rosetta/main leads to: this environment
        pytest.fail("the tests are run by `python run_all.py test`")
    checkout = make_checkout(tmp_path_factory.mktemp("template"))
    done = checkout.run("--quick", "-f", "Good", "-m", "RNN")
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def checkout(template, tmp_path):
    """A fresh copy of the template, with its finished run, sharing its environment."""
    root = tmp_path / "checkout"
    ignore = shutil.ignore_patterns("rosetta-*", ".rosetta", "__pycache__")
    shutil.copytree(template.root, root, ignore=ignore)
    (root / ".rosetta").mkdir()
    for name in ("main", "environments"):
        (root / ".rosetta" / name).symlink_to(template.root / ".rosetta" / name)
    return Checkout(root)
