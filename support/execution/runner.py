"""Run jobs: prepare data and environments, execute notebooks in processes, keep records.

A job that fails does not stop the others. A finished record is written whole, once, when its
notebook has ended, and is never touched by later failures.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from support.basics import locks, processes
from support.basics.errors import NotPossible
from support.basics.paths import RUNS
from support.basics.text import first_line
from support.ceilings import measure
from support.devices.choose import reserved
from support.execution import finishing, preparing
from support.execution import jobs as states
from support.execution.jobs import Job
from support.execution.making import Makers
from support.execution.running import Running
from support.records import machines

POLL = 0.5  # seconds between two looks at what is running


@dataclass
class Limits:
    """How jobs are run: how many at once, seconds for each, and whether finished ones again.

    `optional`: whether jobs that this machine has not what it takes for are skipped, as nobody asked
    for them by name.
    """

    at_once: int = 1
    timeout: float = 7200.0
    force: bool = False
    optional: bool = False


@dataclass
class Outcomes:
    """What became of the jobs; `failed` and `skipped` map a job to the reason."""

    done: list[Job] = field(default_factory=list)
    kept: list[Job] = field(default_factory=list)
    failed: dict[Job, str] = field(default_factory=dict)
    skipped: dict[Job, str] = field(default_factory=dict)

    def add(self, other: "Outcomes") -> None:
        """Take in what became of others."""
        self.done += other.done
        self.kept += other.kept
        self.failed.update(other.failed)
        self.skipped.update(other.skipped)


class Display(Protocol):
    """What is reported while jobs run."""

    def say(self, line: str) -> None: ...

    def update(self, job: Job, state: str, detail: str) -> None: ...


def run(jobs: list[Job], limits: Limits, display: Display) -> Outcomes:
    """Run the jobs, which share their settings' device; returns Outcomes.

    On KeyboardInterrupt whatever is running is ended without a record, and the exception goes
    on. Raises NotPossible if the results cannot be written.
    """
    outcomes = Outcomes()
    settings = jobs[0].settings
    jobs = _possible(jobs, limits, outcomes, display)
    if not jobs:
        return outcomes
    with reserved(settings.device, display.say):
        try:
            machines.write(settings.folder, settings.device)
        except OSError as error:
            reason = f"{settings.folder}: {error.strerror or error}"
            raise NotPossible(f"results cannot be written to {reason}") from None
        for job in jobs:
            if not limits.force and job.state().kind == states.DONE:
                outcomes.kept.append(job)
                display.update(job, "done", "earlier, unchanged")
        waiting = [job for job in jobs if job not in outcomes.kept]
        waiting = _with_data(waiting, limits, outcomes, display)
        with _working_folder() as work:
            makers = Makers(waiting, work / "environments", display.say)
            try:
                _run_all(waiting, makers, work, limits, outcomes, display)
            finally:
                makers.end()
    return outcomes


def _possible(
    jobs: list[Job], limits: Limits, outcomes: Outcomes, display: Display
) -> list[Job]:
    """The jobs that nothing is known to stand in the way of; the others end here."""
    refusals = {job: preparing.refusal(job) for job in jobs}
    _give_up({j: e for j, e in refusals.items() if e}, limits, outcomes, display)
    return [job for job in jobs if not refusals[job]]


def _with_data(
    jobs: list[Job], limits: Limits, outcomes: Outcomes, display: Display
) -> list[Job]:
    """The jobs whose data are there or could be downloaded; the others end here."""
    missing = preparing.find_data(jobs, display.say)
    errors = {job: missing[job.model] for job in jobs if job.model in missing}
    _give_up(errors, limits, outcomes, display)
    return [job for job in jobs if job not in errors]


def _give_up(
    errors: dict[Job, NotPossible], limits: Limits, outcomes: Outcomes, display: Display
) -> None:
    """Note jobs that are not even started, as skipped or failed."""
    for job, error in errors.items():
        if error.lacking and limits.optional:
            outcomes.skipped[job] = str(error)
            display.update(job, "skipped", str(error))
        else:
            _fail(job, error, outcomes, display)


@contextlib.contextmanager
def _working_folder() -> Iterator[Path]:
    """A fresh folder for this run's unfinished work, gone with the run.

    A lock beside it says that the run lives; folders of runs that were killed are removed.
    """
    RUNS.mkdir(parents=True, exist_ok=True)
    for lock in RUNS.glob("*.lock"):
        if locks.is_free(lock, unknown=False):  # else another host may be at work there
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            locks.remove(lock)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=RUNS))
    lock = folder.with_name(folder.name + ".lock")
    try:
        with locks.held(lock, lambda _: None):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        locks.remove(lock)


def _run_all(
    jobs: list[Job],
    makers: Makers,
    folder: Path,
    limits: Limits,
    outcomes: Outcomes,
    display: Display,
) -> None:
    """Run each job when its environment is ready; where time counts, when all of them are."""
    processes.adopt_orphans()
    ready: set[Job] = set()
    waiting, started = list(jobs), 0
    running: list[Running] = []
    try:
        while waiting or running:
            found, errors = makers.look()
            _give_up(errors, limits, outcomes, display)
            ready.update(found)
            waiting = [job for job in waiting if job not in errors]
            if waiting and waiting[0].timed and not makers.busy and not started:
                _measure_ceilings(waiting, limits, display)
            may_start = not (waiting and waiting[0].timed and makers.busy)
            while may_start and len(running) < limits.at_once:
                job = next((job for job in waiting if job in ready), None)
                if not job:
                    break
                waiting.remove(job)
                started += 1
                try:
                    work = folder / str(started)
                    running.append(Running(job, work, limits.at_once, limits.timeout))
                except (OSError, ValueError) as error:
                    _fail(job, NotPossible(f"not started: {error}"), outcomes, display)
            time.sleep(POLL if running else POLL / 10)
            for one in list(running):
                one.monitor.sample()
                display.update(one.job, "running", one.cell)
                if one.has_ended or one.is_late:
                    running.remove(one)
                    _finish(one, outcomes, display)
                    own = [*makers.pids, *(other.process.pid for other in running)]
                    processes.end_orphans(own)  # of a process that was killed
    finally:
        for one in running:
            one.end()
        processes.end_orphans()


def _measure_ceilings(jobs: list[Job], limits: Limits, display: Display) -> None:
    found, folder = preparing.probes(jobs), jobs[0].folder
    device = jobs[0].settings.device
    measure.provide(device, folder, limits.force, display.say, found)


def _finish(one: Running, outcomes: Outcomes, display: Display) -> None:
    """Keep the record of a run that has ended, or of its failure, whatever it left."""
    late = not one.has_ended
    one.end()
    job = one.job
    if one.left:
        display.say(f"{job.name}: ended what it left running: {one.left}")
    try:
        report, problem, lines = one.outcome() if not late else (None, one.lateness, [])
        if report is None:
            _fail(job, NotPossible(problem), outcomes, display, lines)
            return
        record = finishing.keep(one, report)
    except OSError as error:
        reason = f"its results could not be written: {error.strerror or error}"
        outcomes.failed[job] = reason
        display.update(job, "failed", reason)
    except (
        Exception
    ) as error:  # whatever is wrong with a report, it is this job's failure alone
        problem = first_line(f"{error}") or type(error).__name__
        _fail(job, NotPossible(problem), outcomes, display)
    else:
        if record["status"] == "ok":
            outcomes.done.append(job)
            warnings = record["warnings"] if job.timed else []
            display.update(job, "done", "; ".join([job.headline(record), *warnings]))
        else:
            outcomes.failed[job] = record["reason"]
            display.update(job, "failed", record["reason"])


def _fail(
    job: Job,
    error: NotPossible,
    outcomes: Outcomes,
    display: Display,
    lines: list[str] | None = None,
) -> None:
    """Note a failure, and record it beside what was finished before."""
    outcomes.failed[job] = str(error)
    display.update(job, "failed", str(error))
    try:
        finishing.keep_failure(job, error, lines or [])
    except (OSError, ValueError) as problem:
        display.say(f"{job.name}: its failure could not be recorded: {problem}")
