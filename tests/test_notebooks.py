"""Every notebook runs in its own environment on generated data, learns it, and is the reference's model."""

import json
import os
import subprocess
import sys

import pytest

from common.params import LEARNED
from support import registry
from support.basics.paths import PRIVATE, ROOT
from support.devices import choose
from support.environments import Pinned
from support.equivalence import mistakes, parity
from support.execution import jobs
from support.execution.settings import Settings
from support.records import machines

EVERY = registry.frameworks()
LACKED = {key: Pinned(f.environment, "cpu").lacks() for key, f in EVERY.items()}
LACKING = {key: lacked for key, lacked in LACKED.items() if lacked}
FRAMEWORKS = {key: f for key, f in EVERY.items() if key not in LACKING}
# Apart from the results that are committed, of which there may be some of this very machine.
OWN = PRIVATE / "tests"
CPU = choose.cpu()
SETTINGS = Settings(CPU, machines.folder_for(OWN, CPU), data="quick")
PAIRS = [(f, model) for f in FRAMEWORKS.values() for model in f.models]
SMALL = "NumPy"  # whose environment is made in seconds
SLOWEST = ("tinygrad",)  # each check compiles for minutes
# those that need no minutes of compilation
MISTAKEN = (SMALL, "PyTorch", "Keras", "JAX")
MISTAKES = mistakes.jobs([pair for pair in PAIRS if pair[0].key in MISTAKEN], SETTINGS)


def params(every):
    """The jobs as parameters of a test, marked by how long they take."""
    marks = {SMALL: [], **dict.fromkeys(SLOWEST, pytest.mark.slowest)}
    return [
        pytest.param(
            job,
            id=job.key.stem,
            marks=marks.get(job.framework.key, pytest.mark.slow),
        )
        for job in every
    ]


@pytest.fixture(scope="session")
def parity_run(request):
    """One run of all that is tested."""
    chosen = jobs_of(request.session, parity.ParityJob)
    keys = {job.framework.key for job in chosen} or {SMALL}
    models = {job.model for job in chosen} or {"RNN"}
    return run(request, "parity", "-f", *keys, "-m", *models)


@pytest.fixture(scope="session")
def mistaken_run(request):
    keys = {job.framework.key for job in jobs_of(request.session, mistakes.MistakeJob)}
    return run(request, "mistakes", "-f", *keys)


def jobs_of(session, kind):
    """The jobs of this kind that tests of the session are about."""
    found = (getattr(item, "callspec", None) for item in session.items)
    jobs = [spec.params.get("job") for spec in found if spec]
    return [job for job in jobs if type(job) is kind]


def run(request, command, *arguments):
    """The finished process; what it says is shown while it runs, as it may take long."""
    words = [str(ROOT / "run_all.py"), command, "--gpu", "none", *arguments]
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "ROSETTA_RESULTS": str(OWN)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    terminal = request.config.pluginmanager.getplugin("terminalreporter")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if terminal:  # workers of pytest-xdist have none
            terminal.write_line(line.rstrip())
    return subprocess.CompletedProcess(words, process.wait(), "".join(lines))


def finished(job):
    """The record of a job that is done; else the test fails with the reason."""
    for path in (job.failure_path, job.record_path):
        reason = json.loads(path.read_text())["reason"] if path.exists() else ""
        assert not reason, reason
    assert job.state().kind == jobs.DONE
    return json.loads(job.record_path.read_text())


def test_the_whole_run_succeeds(parity_run):
    assert parity_run.returncode == 0, parity_run.stdout


@pytest.mark.parametrize("job", params(parity.jobs(PAIRS, SETTINGS)))
def test_it_is_the_reference_s_model(parity_run, job):
    record = finished(job)
    assert all(check["passed"] for check in record["checks"])
    assert len(record["epoch_seconds"]) == (job.epochs or 1)
    if job.check == "outputs" and job.model in LEARNED["quick"]:
        assert record["accuracy"] > LEARNED["quick"][job.model]


@pytest.mark.parametrize("job", params(MISTAKES))
def test_a_mistake_is_caught_and_measured(mistaken_run, job):
    record = finished(job)
    caught = [check for check in record["checks"] if not check["passed"]]
    assert caught
    for check in caught:  # None: the model diverged
        assert check["error"] is None or check["error"] > check["tolerance"]


@pytest.mark.skipif(not LACKING, reason="this machine has all that any framework needs")
def test_what_this_machine_lacks_is_said_and_costs_only_its_own_rows(request):
    unable = run(request, "run", "--quick", "-m", "RNN", "-f", *LACKING)
    assert unable.returncode == 1
    for key, lacked in LACKING.items():
        assert f"failed: {key} RNN: needs {lacked}" in unable.stdout
