"""Every notebook runs in its own environment on generated data, learns it, is the reference's model, and
evaluates weights that were trained elsewhere, without an epoch of its own.

`test --all` runs one model of each living framework, and whatever has no committed record of parity, of a
mistake or of a transfer, with the notebook, the pins and the reference as they are. The weekly workflow runs
all of them.
"""

import json
import os
import subprocess
import sys

import pytest

from common.params import LEARNED, MODELS
from support import registry
from support.basics.paths import PRIVATE, RESULTS, ROOT
from support.devices import choose
from support.environments import Pinned
from support.equivalence import mistakes, parity, transfer
from support.execution import jobs
from support.execution.settings import Settings
from support.records import machines, store

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
SLOWEST = "tinygrad"  # which compiles for minutes
MISTAKES = mistakes.jobs(PAIRS, SETTINGS)
EVALUATIONS = [
    transfer.EvaluationJob(f, model, SETTINGS)
    for f, model in PAIRS
    if model in transfer.TRAINED
]


def proved(job):
    """Whether a committed record says that the check passed with all that it depends on as it is."""
    place = job.record_path.relative_to(SETTINGS.folder)
    records = map(store.read_or_none, RESULTS.glob(f"*/{place}"))
    return any(r and r["status"] == "ok" and job.is_current(r) for r in records)


def representative(framework):
    """The model that `--all` runs of a living framework in any case: the quickest that trains."""
    return "RNN" if "RNN" in framework.models else framework.models[-1]


def params(every):
    """The jobs as parameters of a test, marked by when they run.

    All jobs of a notebook run together, so one that is not proved takes the others with it.
    """
    unproved = {(job.framework, job.model) for job in every if not proved(job)}

    def marks(job):
        framework, model = job.framework, job.model
        if framework.key == SMALL and type(job) is not transfer.EvaluationJob:
            return []
        living = framework.state == "living" and framework.key != SLOWEST
        parities = type(job) is parity.ParityJob
        needed = parities and living and model == representative(framework)
        due = needed or (framework, model) in unproved
        return pytest.mark.slow if due else pytest.mark.slowest

    return [pytest.param(job, id=job.key.stem, marks=marks(job)) for job in every]


@pytest.fixture(scope="session")
def parity_runs(request):
    return runs(request, ("parity", "-f"), parity.ParityJob)


@pytest.fixture(scope="session")
def mistaken_runs(request):
    return runs(request, ("mistakes", "-f"), mistakes.MistakeJob)


@pytest.fixture(scope="session")
def transfer_runs(request):
    words = ("transfer", "--quick", "--anyway", "--from", SMALL, "--to")
    return runs(request, words, transfer.EvaluationJob)


def runs(request, words, kind):
    """Runs of all that is tested, one for each model; `words` end in the option of frameworks."""
    keys = {model: set() for model in MODELS}
    for job in jobs_of(request.session, kind):
        keys[job.model].add(job.framework.key)
    chosen = {model: some for model, some in keys.items() if some}
    return [
        run(request, *words, *some, "-m", model)
        for model, some in (chosen or {"RNN": {SMALL}}).items()
    ]


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


def test_the_whole_run_succeeds(parity_runs):
    for process in parity_runs:
        assert process.returncode == 0, process.stdout


def test_a_record_of_another_reference_proves_nothing(monkeypatch):
    every = parity.jobs(PAIRS, SETTINGS)
    assert any(map(proved, every))
    monkeypatch.setattr(parity, "answers_digest", lambda: "another")
    assert not any(map(proved, every))


@pytest.mark.parametrize("job", params(parity.jobs(PAIRS, SETTINGS)))
def test_it_is_the_reference_s_model(parity_runs, job):
    record = finished(job)
    assert all(check["passed"] for check in record["checks"])
    assert len(record["epoch_seconds"]) == (job.epochs or 1)
    if job.check == "outputs" and job.model in LEARNED["quick"]:
        assert record["accuracy"] > LEARNED["quick"][job.model]


@pytest.mark.parametrize("job", params(MISTAKES))
def test_a_mistake_is_caught_and_measured(mistaken_runs, job):
    record = finished(job)
    caught = [check for check in record["checks"] if not check["passed"]]
    assert caught
    for check in caught:  # None: the model diverged
        assert check["error"] is None or check["error"] > check["tolerance"]


@pytest.mark.parametrize("job", params(EVALUATIONS))
def test_it_evaluates_what_another_framework_trained(transfer_runs, job):
    record = finished(job)
    assert record["epochs"] == 0
    pair = record["pairs"][SMALL]
    assert pair["obstacle"] or pair["agreement"] >= transfer.AGREEMENT


@pytest.mark.skipif(not LACKING, reason="this machine has all that any framework needs")
def test_what_this_machine_lacks_is_said_and_costs_only_its_own_rows(request):
    unable = run(request, "run", "--quick", "-m", "RNN", "-f", *LACKING)
    assert unable.returncode == 1
    for key, lacked in LACKING.items():
        assert f"failed: {key} RNN: needs {lacked}" in unable.stdout
