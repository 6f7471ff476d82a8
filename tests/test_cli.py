"""What a newcomer types, and what the command line answers."""

import os
import subprocess
import sys
import time

import pytest

from support import registry
from support.paths import ROOT


def run_all(*arguments, **variables):
    return subprocess.run(
        [sys.executable, str(ROOT / "run_all.py"), *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def gpus(tmp_path):
    """Environment variables under which nvidia-smi tells of two GPUs."""
    tool = tmp_path / "nvidia-smi"
    rows = "0, GPU-aaa, Tesla P100-PCIE-16GB, 535.1, 16280\n1, GPU-bbb, NVIDIA H200, 580.2, 143771"
    tool.write_text(f"#!/bin/sh\ncat <<'E'\n{rows}\nE\n")
    tool.chmod(0o755)
    return {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}


def test_help_is_instant_and_shows_examples():
    started = time.monotonic()
    answer = run_all("--help")
    assert time.monotonic() - started < 1
    assert "python run_all.py --quick" in answer.stdout
    assert answer.returncode == 0


def test_help_needs_no_environment():
    """A bare Python without this project's packages."""
    command = [sys._base_executable, "-S", str(ROOT / "run_all.py"), "--help"]
    assert subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    "arguments, answer",
    [
        (["-f", "Pytroch"], "unknown framework 'Pytroch': did you mean PyTorch"),
        (["-m", "LSTM"], "unknown model 'LSTM': "),
        (["-e", "moon"], "unknown environment 'moon': there are "),
        (["-f", "CNTK", "-e", "torch"], "the filters leave nothing to run"),
        (
            ["--epochs", "0"],
            "argument --epochs: a whole number from 1 is expected, not '0'",
        ),
        (["--precision", "fp8"], "argument --precision: invalid choice"),
        (["--examples", "100"], "--examples: a multiple of 64, the batch size"),
        (["parity", "--examples", "64"], "--examples is for run and verify"),
        (["--data-dir", "nowhere"], "--data-dir: there is no folder nowhere"),
        (
            ["--gpu", "P100"],
            "no GPU's name contains 'P100'; the GPUs of this machine: ",
        ),
        (["tabels"], "invalid choice: 'tabels'"),
    ],
)
def test_bad_input_gets_one_clear_line_and_status_2(arguments, answer):
    done = run_all(*arguments, PATH=os.path.dirname(sys.executable))
    assert done.returncode == 2
    assert answer in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_list_shows_every_framework_and_model_with_its_state():
    lines = run_all("--list", "--gpu", "none").stdout.splitlines()
    assert len(lines) == sum(len(f.models) for f in registry.load().values())
    states = {line.split("  ")[-1].strip().split()[0] for line in lines}
    assert states <= {"ready", "done", "stale", "failed", "needs"}


def test_a_reader_that_has_seen_enough_is_no_error():
    command = [sys.executable, str(ROOT / "run_all.py"), "--list", "--gpu", "none"]
    listing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    listing.stdout.close()
    assert listing.stderr.read() == b""
    assert listing.wait() == 0


def test_filters_take_any_case_and_repeats_take_turns():
    done = run_all(
        "--dry-run",
        "--quick",
        "--force",
        "-f",
        "pytorch",
        "cntk",
        "-m",
        "cnn",
        "--repeats",
        "2",
    )
    names = [line.split("  ")[0].strip() for line in done.stdout.splitlines()]
    assert names == ["PyTorch CNN", "CNTK CNN"] * 2


def test_the_first_gpu_is_taken_unless_one_is_named(gpus):
    def device(*arguments):
        code = "from support import devices; d = devices.choose(*{!r}); print(d.name, d.variables)"
        done = subprocess.run(
            [sys.executable, "-c", code.format(arguments)],
            cwd=ROOT,
            env={**os.environ, **gpus},
            capture_output=True,
            text=True,
        )
        return done.stdout

    assert "P100" in device()
    assert "NVIDIA H200 {'CUDA_VISIBLE_DEVICES': 'GPU-bbb'}" in device("h200")
    assert "GPU" not in device("none").replace("CUDA", "")


def test_a_gpu_that_is_not_there_is_answered_with_those_that_are(gpus):
    done = run_all("--gpu", "V100", **gpus)
    assert done.returncode == 2
    assert "Tesla P100-PCIE-16GB, NVIDIA H200" in done.stderr
