"""Run jobs: prepare data and environments, execute notebooks in processes, keep records.

A job that fails does not stop the others. A finished record is written whole, once, when its
notebook has ended, and is never touched by later failures.
"""

import contextlib
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from common import data, weights
from common.files import DataError, write_json, write_text
from common.machine import cores
from support import ceilings, environments, load, precisions, records
from support.devices import reserved
from support.errors import NotPossible
from support.paths import KERNELS, NOTEBOOKS, PRIVATE, ROOT, RUNS
from support.processes import end_tree

POLL = 0.5  # seconds between two looks at what is running


@dataclass
class Limits:
    """How jobs are run: how many at once, seconds for each, and whether finished ones again."""

    at_once: int = 1
    timeout: float = 7200.0
    force: bool = False


@dataclass
class Outcomes:
    """What became of the jobs; `failed` maps a job to its reason."""

    done: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)


def run(jobs, limits, display):
    """Run the jobs, which share their settings' device; returns Outcomes.

    `display` has say(line) and update(job, state, detail). On KeyboardInterrupt whatever is
    running is ended without a record, and the exception goes on.
    """
    outcomes = Outcomes()
    settings = jobs[0].settings
    with reserved(settings.device, display.say):
        for job in jobs:
            if not limits.force and job.state() == "done":
                outcomes.kept.append(job)
                display.update(job, "done", "earlier, unchanged")
        waiting = [job for job in jobs if job not in outcomes.kept]
        waiting = _prepare(waiting, outcomes, display)
        if waiting and waiting[0].timed:
            results = waiting[0].folder
            ceilings.provide(settings.device, results, limits.force, display.say)
        with _working_folder() as folder:
            _run_all(waiting, folder, limits, outcomes, display)
    return outcomes


def _prepare(jobs, outcomes, display):
    """Make what the jobs need; those whose needs cannot be met fail here. Returns the others."""
    possible = []
    for job in jobs:
        obstacle = job.obstacle()
        if obstacle.startswith(("notebook", "another")):
            _fail(job, NotPossible(f"needs {obstacle}"), outcomes, display)
        else:
            possible.append(job)
    missing = {}
    if possible and possible[0].settings.data == "real":
        missing = _find_data({job.model for job in possible}, display)
    for name in {job.framework.environment.name: 0 for job in possible}:
        concerned = [job for job in possible if job.framework.environment.name == name]
        environment, variant = (
            concerned[0].framework.environment,
            concerned[0].settings.device.kind,
        )
        if not environments.is_ready(environment, variant):
            for job in concerned:
                display.update(job, "waiting", f"making environment {name} ({variant})")
        try:
            environments.prepare(environment, variant)
        except NotPossible as error:
            missing.update((job.framework.key, error) for job in concerned)
        else:
            for job in concerned:
                display.update(job, "waiting", "")
    ready = []
    for job in possible:
        error = missing.get(job.model) or missing.get(job.framework.key)
        if error:
            _fail(job, error, outcomes, display)
        else:
            ready.append(job)
    return ready


def _find_data(models, display):
    """Find or download what the models need, here and once; model -> NotPossible if in vain."""
    missing = {}
    needed = {
        "CNN": data.find_cifar10,
        "RNN": data.find_imdb,
        "Inference": data.find_cifar10,
    }
    for model in models:
        try:
            needed[model]()
        except (DataError, OSError) as error:
            missing[model] = NotPossible(str(error))
    if "Inference" in models:
        try:
            weights.find_resnet50()
        except DataError as error:
            display.say(
                f"ResNet-50 gets seeded weights, as the official ones are not to be had: {error}"
            )
    return missing


@contextlib.contextmanager
def _working_folder():
    """A folder for this run's unfinished work, gone with the run; a killed run's are removed too."""
    RUNS.mkdir(parents=True, exist_ok=True)
    for old in RUNS.iterdir():
        if not _is_alive(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    folder = RUNS / str(os.getpid())
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _run_all(jobs, folder, limits, outcomes, display):
    signal.signal(signal.SIGTERM, _interrupt)
    waiting, running = list(jobs), []
    try:
        while waiting or running:
            while waiting and len(running) < limits.at_once:
                running.append(Running(waiting.pop(0), folder, limits.at_once))
            time.sleep(POLL)
            for one in list(running):
                one.monitor.sample()
                display.update(one.job, "running", one.cell)
                ended, timed_out = one.has_ended(), one.seconds > limits.timeout
                if ended or timed_out:
                    running.remove(one)
                    end_tree(one.process.pid)
                    reason = (
                        f"ran longer than {limits.timeout:.0f} s, in cell '{one.cell}'"
                    )
                    _finish(one, "" if ended else reason, outcomes, display)
    finally:
        for one in running:
            end_tree(one.process.pid)


def _interrupt(*_):
    raise KeyboardInterrupt


class Running:
    """A job whose notebook is being executed by a process of its own."""

    def __init__(self, job, folder, at_once):
        self.job, self.cell = job, "starting the kernel"
        # several at once share the cores: threads that wait for each other spin, and slow all down
        self._cores = max(1, cores() // at_once)
        self.report, self.failure, self.executed, self.log, self.exchange = (
            folder / f"{job.stem}.{name}"
            for name in ("report.json", "failure.json", "ipynb", "log", "exchange")
        )
        self._open_exchange()
        variant = job.settings.device.kind
        order = {
            "notebook": str(job.notebook),
            "executed": str(self.executed),
            "exchange": str(self.exchange),
            "evaluations": job.evaluations,
            "insertion": job.insertion,
            "failure": str(self.failure),
            "parameters": job.parameters,
            "kernel": environments.register_kernel(job.framework, variant, self._cores),
            "language": environments.JUPYTER_LANGUAGES[job.framework.language],
            "folder": str(NOTEBOOKS),
        }
        write_json(folder / f"{job.stem}.job.json", order)
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "support.execute",
                str(folder / f"{job.stem}.job.json"),
            ],
            cwd=ROOT,
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log.open("wb"),
            text=True,
            start_new_session=True,  # Ctrl-C reaches the runner alone, which ends us in order
        )
        self.monitor = load.LoadMonitor(self.process.pid, job.settings.device)
        threading.Thread(target=self._listen, daemon=True).start()

    def _open_exchange(self):
        """A folder for each evaluation; `now` leads to the one that the notebook uses."""
        if self.job.exchanges:
            for number in range(self.job.evaluations):
                (self.exchange / str(number)).mkdir(parents=True)
            (self.exchange / "now").symlink_to("0")
            self.job.offer(self.exchange)

    def _variables(self):
        """The environment variables of the notebook's process and kernel."""
        exchange = {"ROSETTA_EXCHANGE": str(self.exchange / "now")}
        return {
            **os.environ,
            **self.job.settings.device.variables,
            **precisions.variables(self.job.settings.precision),
            "ROSETTA_EXAMPLES": "",  # only as the job's own limit, which its record states
            **self.job.variables,
            **(exchange if self.job.exchanges else {}),
            **({"OMP_NUM_THREADS": str(self._cores)} if self._cores < cores() else {}),
            "ROSETTA_REPORT": str(self.report),
            "ROSETTA_DATA": str(Path(data.data_folder()).resolve()),
            "ROSETTA_DOWNLOAD": "no",  # the runner has tried
            "JUPYTER_PATH": str(KERNELS),
            "JUPYTER_CONFIG_DIR": str(PRIVATE / "jupyter-config"),
            "JUPYTER_RUNTIME_DIR": str(PRIVATE / "jupyter-runtime"),
            "IPYTHONDIR": str(PRIVATE / "ipython"),
            "PYTHONNOUSERSITE": "1",
            "PYTHONPATH": "",
        }

    def _listen(self):
        for line in self.process.stdout:
            self.cell = line.strip()

    @property
    def seconds(self):
        return time.monotonic() - self._started

    def has_ended(self):
        return self.process.poll() is not None

    def outcome(self):
        """(the notebook's report, "", []), or (None, what failed and where, the last lines)."""
        if self.failure.exists():
            failure = json.loads(self.failure.read_text())
            return (
                None,
                f"{failure['reason']} (in cell '{self.cell}')",
                failure["lines"],
            )
        lines = self.log.read_text(errors="replace").strip().splitlines()[-20:]
        if self.process.returncode:
            reason = lines[-1] if lines else f"status {self.process.returncode}"
            return None, f"its process ended: {reason} (in cell '{self.cell}')", lines
        if not self.report.exists():
            return None, "the notebook ended without its report", lines
        report = json.loads(self.report.read_text())
        problem = records.problem(report) or self.job.judge(report, self.exchange)
        return (None, problem, lines) if problem else (report, "", [])


def _finish(one, reason, outcomes, display):
    """Keep the record of a run that has ended, or of its failure."""
    job = one.job
    try:
        report, problem, lines = (None, reason, []) if reason else one.outcome()
        if report is None:
            _fail(job, NotPossible(problem), outcomes, display, lines)
            return
        since, until = report.pop("clock")
        report["device"] = job.settings.device.name
        report["load"] = one.monitor.summary(since, until)
        report["warnings"] = report["load"]["disturbed"]
        report["wall_seconds"] = round(one.seconds, 1)
        # the notebook first: a record never stands without it
        if job.executed_path:
            executed = _without_paths(one.executed.read_text(encoding="utf-8"))
            write_text(job.executed_path, executed)
        write_json(job.record_path, {**report, **_provenance(job)})
        job.failure_path.unlink(missing_ok=True)
    except OSError as error:
        outcomes.failed[job] = (
            f"its results could not be written: {error.strerror or error}"
        )
        display.update(job, "failed", outcomes.failed[job])
        return
    finally:
        shutil.rmtree(one.exchange, ignore_errors=True)
    if report["status"] == "ok":
        outcomes.done.append(job)
        display.update(
            job, "done", "; ".join([job.headline(report), *report["warnings"]])
        )
    else:
        outcomes.failed[job] = report["reason"]
        display.update(job, "failed", report["reason"])


def _fail(job, error, outcomes, display, lines=()):
    """Record a failure beside what was finished before."""
    outcomes.failed[job] = str(error)
    display.update(job, "failed", str(error))
    record = {
        "framework": job.framework.key,
        "model": job.model,
        "device": job.settings.device.name,
        "data": job.settings.data,
        "epochs": job.epochs,
        "precision": job.settings.precision,
        "status": "failed",
        "reason": _without_paths(error.reason),
        "mend": _without_paths(error.mend),
        "lines": [_without_paths(line) for line in lines],
    }
    try:
        write_json(job.failure_path, {**record, **_provenance(job)})
    except OSError as problem:
        display.say(
            f"{job.name}: its failure could not be recorded: {problem.strerror}"
        )


def _provenance(job):
    """What the runner, rather than the notebook, knows of a run."""
    digests = {} if job.obstacle() else job.digests()
    executed = job.executed_path and f"notebooks/{job.executed_path.name}"
    return {
        "repeat": job.repeat,
        "examples_limit": job.settings.examples,
        "environment": job.framework.environment.name,
        "notebook": f"notebooks/{job.framework.notebook(job.model).name}",
        "executed": executed,
        "digests": digests,
        "git_commit": _git_commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="seconds"
        ),
    }


def _git_commit():
    """The commit that was run; "+" after it if tracked files differ from it."""

    def git(*arguments):
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    try:
        changed = git(
            "status", "--porcelain", "--untracked-files=no", "--", ".", ":!results"
        )
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except OSError:  # no git
        return ""


def _without_paths(text):
    """The text without this machine's folders, which are nobody's business."""
    folder = Path(data.data_folder()).resolve()
    for path, name in ((folder, "data"), (ROOT, "."), (Path.home(), "~")):
        text = text.replace(str(path), name)
    return text
