"""fp32 means float32, and a precision that a device is not made for is refused with the reason."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from test_cli import run_all

from common.machine import cores
from common.params import MODELS
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


@pytest.mark.parametrize("precision", precisions.PRECISIONS)
@pytest.mark.parametrize("name", precisions.ROUNDING)
def test_how_floats_are_rounded_is_the_notebook_s_choice_alone(
    monkeypatch, name, precision
):
    """Neither the shell nor the runner has a say, as Jupyter would have none."""
    monkeypatch.setenv(name, "BF16")
    assert name not in variables(precision)


def test_fp16_is_for_inference_and_tf32_and_fp16_are_for_gpus():
    every = precisions.PRECISIONS
    assert precisions.available(every, "Inference", "gpu") == [*every]
    assert precisions.available(every, "CNN", "gpu") == ["fp32", "tf32", "bf16"]
    for model in MODELS:
        assert precisions.available(every, model, "cpu") == ["fp32", "bf16"]


def test_a_precision_that_needs_a_gpu_is_refused_on_a_cpu(tmp_path):
    command = ["--gpu", "none", "--quick", "--precision", "fp16", "-f", "PyTorch"]
    refused = run_all(*command, "-m", "CNN", ROSETTA_RESULTS=str(tmp_path))
    assert refused.returncode == 1
    assert "PyTorch CNN: on a CPU it has fp32, bf16 only" in refused.stderr
