"""Kernels for a user's own Jupyter, JupyterLab from pins, and notebooks that run there as they are."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest
from command_line import run_all
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

from support import registry
from support.basics.errors import UsageError
from support.basics.paths import NOTEBOOKS, ROOT
from support.interactive import lab, specs

SMALL = "NumPy"  # whose environment is made in seconds


@pytest.fixture
def jupyter(tmp_path, monkeypatch):
    """A user's own Jupyter, empty."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return tmp_path / "jupyter"


def test_every_notebook_names_the_kernel_of_its_framework():
    for framework in registry.frameworks().values():
        for model in framework.models:
            path = framework.notebook(model)
            spec = nbformat.read(path, as_version=4).metadata.kernelspec
            prefix = framework.notebooks or framework.key
            first = next(
                f
                for f in registry.frameworks().values()
                if (f.notebooks or f.key) == prefix and not f.tuned
            )
            assert spec.name == specs.name(first), path


def test_kernels_are_installed_for_the_user_and_removed_again(jupyter):
    done = run_all("kernels", "--install", "-f", SMALL, "--gpu", "none")
    assert done.returncode == 0, done.stderr
    spec = KernelSpecManager().get_kernel_spec("rosetta-numpy")
    assert spec.display_name == "NumPy (Rosetta)"
    foreign = jupyter / "kernels" / "rosetta-foreign"
    foreign.mkdir()
    content = {"argv": ["x"], "display_name": "x", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(content))
    assert run_all("kernels", "--remove").returncode == 0
    assert [path.name for path in (jupyter / "kernels").iterdir()] == [foreign.name]


def test_a_notebook_runs_as_it_is_in_the_user_s_own_jupyter(jupyter, monkeypatch):
    """With generated data, as there may be no other."""
    run_all("kernels", "--install", "-f", SMALL, "--gpu", "none")
    for name in [name for name in os.environ if name.startswith("ROSETTA_")]:
        monkeypatch.delenv(name)
    notebook = nbformat.read(NOTEBOOKS / "NumPy_RNN.ipynb", as_version=4)
    cell = next(c for c in notebook.cells if c.metadata.get("tags") == ["parameters"])
    cell.source = cell.source.replace('DATA = "real"', 'DATA = "quick"')
    client = NotebookClient(notebook, resources={"metadata": {"path": str(NOTEBOOKS)}})
    client.execute()
    printed = "".join(output.text for output in notebook.cells[-1].outputs)
    assert "accuracy" in printed


@pytest.mark.parametrize(
    "name, expected",
    [
        ("PyTorch", "PyTorch_CNN"),
        ("pytorch_rnn", "PyTorch_RNN"),
        ("notebooks/JAX_CNN_tuned.ipynb", "JAX_CNN_tuned"),
        ("ONNX_Runtime", "ONNX_Runtime_Inference"),
        ("Keras_on_JAX", "Keras_CNN"),
    ],
)
def test_a_notebook_is_found_by_its_name_or_its_framework(name, expected):
    assert lab.find(name)[1].stem == expected


def test_an_unknown_notebook_is_named_with_what_was_meant():
    with pytest.raises(UsageError, match="did you mean PyTorch_CNN"):
        lab.find("PyTorch_CNM")


@pytest.mark.slow
def test_jupyterlab_opens_with_our_kernels(tmp_path):
    lab_of = ("lab", "NumPy_RNN", "--gpu", "none", "--no-browser", "--port", "18888")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run_all.py"), *lab_of],
        env={
            **os.environ,
            "JUPYTER_TOKEN": "secret",
            "JUPYTER_CONFIG_DIR": str(tmp_path),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        known = {}
        while not known:
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.5)
            address = "http://127.0.0.1:18888/api/kernelspecs?token=secret"
            try:
                with urllib.request.urlopen(address) as answer:
                    known = json.load(answer)["kernelspecs"]
            except urllib.error.URLError:
                continue
        assert "rosetta-numpy" in known
    finally:
        process.terminate()
        process.communicate()
