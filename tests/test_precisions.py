"""fp32 means float32, and a precision that a device is not made for is refused with the reason."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from test_cli import run_all

from common.machine import cores
from support import registry
from support.basics import precisions
from support.devices.choose import Device
from support.execution.jobs import Job
from support.execution.running import Running
from support.execution.settings import Settings


def variables(precision):
    """What a notebook's process is given."""
    device = Device("gpu", "Toy GPU", "GPU-aaa")
    settings = Settings(device, Path("results"), precision=precision)
    job = Job(registry.frameworks()["PyTorch"], "CNN", settings)
    running = SimpleNamespace(
        job=job, exchange=Path("exchange"), report=Path("report"), _cores=cores()
    )
    return Running.variables(running, Path("jupyter"))


def test_libraries_are_told_to_leave_float32_as_it_is(monkeypatch):
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    found = variables("fp32")
    assert found["NVIDIA_TF32_OVERRIDE"] == "0"
    assert found["ONEDNN_DEFAULT_FPMATH_MODE"] == "STRICT"


@pytest.mark.parametrize("precision", ["tf32", "bf16", "fp16"])
def test_other_precisions_are_not_held_back(monkeypatch, precision):
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    assert "NVIDIA_TF32_OVERRIDE" not in variables(precision)


def test_gpus_have_all_precisions_and_cpus_have_two():
    assert precisions.available(precisions.PRECISIONS, "gpu") == [
        *precisions.PRECISIONS
    ]
    assert precisions.available(precisions.PRECISIONS, "cpu") == ["fp32", "bf16"]


def test_a_precision_that_needs_a_gpu_is_refused_on_a_cpu(tmp_path):
    command = ["--gpu", "none", "--quick", "--precision", "fp16", "-f", "PyTorch"]
    refused = run_all(*command, "-m", "CNN", ROSETTA_RESULTS=str(tmp_path))
    assert refused.returncode == 1
    assert "PyTorch CNN: on a CPU it has fp32, bf16 only" in refused.stderr
