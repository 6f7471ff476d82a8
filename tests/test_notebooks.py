"""Every notebook runs in its own environment on generated data, and learns it."""

import functools
import json
import subprocess
import sys

import nbformat
import pytest

from common import initial_weights
from common.params import LEARNED, MODELS
from common.weights import count_parameters
from support import devices, environments, registry
from support.jobs import Job, Settings
from support.paths import ROOT

EVERY = registry.load()
LACKING = {
    key: environments.lacks(framework.environment)
    for key, framework in EVERY.items()
    if environments.lacks(framework.environment)
}
FRAMEWORKS = {key: f for key, f in EVERY.items() if key not in LACKING}
SETTINGS = Settings(device=devices.choose("none"), data="quick")
JOBS = [Job(f, model, SETTINGS) for f in FRAMEWORKS.values() for model in MODELS]


@functools.lru_cache
def parameters(model, gru):
    """How many the model has; kinds of GRU differ in their biases."""
    return count_parameters(initial_weights(model, seed=0, gru=gru))


@pytest.fixture(scope="session")
def quick_run():
    """One run of all that can run here, two at a time, as timings do not matter."""
    return run("--jobs", "2", "-f", *FRAMEWORKS)


def run(*arguments):
    command = [sys.executable, str(ROOT / "run_all.py"), "--quick", "--gpu", "none"]
    command += arguments
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_whole_run_succeeds(quick_run):
    assert quick_run.returncode == 0, quick_run.stdout + quick_run.stderr


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.stem)
def test_it_runs_and_learns(quick_run, job):
    failure = (
        json.loads(job.failure_path.read_text()) if job.failure_path.exists() else {}
    )
    assert job.state() == "done", failure.get("reason")
    record = json.loads(job.record_path.read_text())
    assert record["parameters"] == parameters(job.model, job.framework.gru)
    assert len(record["epoch_seconds"]) == (job.epochs or 1)
    if job.model in LEARNED["quick"]:
        assert record["accuracy"] > LEARNED["quick"][job.model]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.stem)
def test_nothing_fails_in_what_a_reader_sees(quick_run, job):
    executed = nbformat.read(job.executed_path, as_version=4)
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert "Traceback" not in output.get("text", "")


@pytest.mark.skipif(not LACKING, reason="this machine has all that any framework needs")
def test_what_this_machine_lacks_is_said_and_costs_only_its_own_rows():
    unable = run("-m", "RNN", "-f", *LACKING)
    assert unable.returncode == 1
    for key, lacking in LACKING.items():
        assert f"{key} RNN: needs {lacking}" in unable.stderr
