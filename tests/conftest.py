"""Toy checkouts: copies of this repository with notebooks and frameworks of a test's own.

They run through the same command line, in real kernels, in an environment that is made once.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

REGISTRY = """
[environments.toy]
python = "{version}"

[environments.future]
python = "3.99"
"""
FRAMEWORK = """
[frameworks.{key}]
label = "{key}"
language = "Python"
environment = "{environment}"
gru = "reset_after"
precisions = ["fp32"]
state = "living"
release = "1"
upstream = "https://example.org"
"""
IMPORTS = """import sys, time, os, signal
sys.path.append("..")
from common import Stopwatch, load_imdb, report, show_versions"""
PARAMETERS = 'FRAMEWORK = "?"\nEPOCHS = 3\nPRECISION = "fp32"\nDATA = "real"'
REPORT = """report(stopwatch, framework=FRAMEWORK, model="RNN", data=DATA, precision=PRECISION,
       batchsize=64, examples=640, source="seed 42", weights={}, outputs=[],
       versions=show_versions(device="cpu", Toy="1.0"), accuracy=0.9)"""
TRAIN = {
    "Good": "stopwatch = Stopwatch()\nfor _ in stopwatch.epochs(EPOCHS): time.sleep(0.01)",
    "Raises": "raise ValueError('the loss is not a number')",
    "Killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "Hangs": "time.sleep(600)",
    "Reads": "load_imdb(DATA)\nstopwatch = Stopwatch()\nfor _ in stopwatch.epochs(1): time.sleep(0.01)",
    "NoPython": "",
}


def _heed_ctrl_c():
    """What runs in the background ignores SIGINT, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Checkout:
    """A checkout in a temporary folder, and what tests do with one."""

    def __init__(self, root):
        self.root = root
        self.variables = {**os.environ, "TMPDIR": str(root), "CUDA_VISIBLE_DEVICES": ""}
        for name in ("ROSETTA_DATA", "ROSETTA_REPORT", "ROSETTA_RESULTS"):
            self.variables.pop(name, None)

    def command(self, *arguments):
        return [sys.executable, str(self.root / "run_all.py"), *arguments]

    def run(self, *arguments, **variables):
        """The finished process of `python run_all.py --gpu none …`."""
        return subprocess.run(
            self.command("--gpu", "none", *arguments),
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=180,
        )

    def start(self, *arguments):
        """The running process of the same, its output in one pipe."""
        return subprocess.Popen(
            self.command("--gpu", "none", *arguments),
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
    for name in ("support", "common"):
        shutil.copytree(
            ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "run_all.py", root)
    (root / ".rosetta").mkdir()
    (root / ".rosetta" / "main").symlink_to(sys.prefix, target_is_directory=True)
    (root / "notebooks").mkdir()
    registry = REGISTRY.format(version=VERSION)
    for key, train in TRAIN.items():
        environment = "future" if key == "NoPython" else "toy"
        registry += FRAMEWORK.format(key=key, environment=environment)
        write_notebook(root / "notebooks" / f"{key}_RNN.ipynb", train)
    (root / "support" / "registry.toml").write_text(registry)
    pins = root / "support" / "environments"
    (pins / "toy.cpu.txt").write_text(toy_pins())
    (pins / "future.cpu.txt").write_text("numpy\n")
    return Checkout(root)


def toy_pins():
    """What the runner's own environment has, so that nothing new need be fetched."""
    from importlib.metadata import version

    return "".join(f"{name}=={version(name)}\n" for name in ("ipykernel", "numpy"))


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A checkout whose environment is made and which has a finished run of Good."""
    checkout = make_checkout(tmp_path_factory.mktemp("template"))
    done = checkout.run("--quick", "-f", "Good", "-m", "RNN")
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def checkout(template, tmp_path):
    """A fresh copy of the template, with its finished run, sharing its environment."""
    root = tmp_path / "checkout"
    leave = shutil.ignore_patterns("rosetta-*", ".rosetta", "__pycache__")
    shutil.copytree(template.root, root, ignore=leave)
    (root / ".rosetta").mkdir()
    for name in ("main", "environments"):
        (root / ".rosetta" / name).symlink_to(template.root / ".rosetta" / name)
    return Checkout(root)
