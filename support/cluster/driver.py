"""The driver: hands the orders of jobs to a pool, and alone writes what comes back into results/."""

import time
from collections.abc import Sequence

from support.basics.text import first_line
from support.cluster.pool import Kind, Pool, Ticket
from support.execution import jobs as states
from support.execution.jobs import Job
from support.execution.perform import DONE, Result, keep, order_of
from support.execution.runner import Display, Limits, Outcomes

POLL = 0.2  # seconds between two looks at what was handed in
PATIENCE = 15.0  # seconds without any device of a kind, until its jobs are given up


def run(
    jobs: Sequence[tuple[Job, Kind]],
    pool: Pool,
    limits: Limits,
    at_once: int | None,
    display: Display,
) -> Outcomes:
    """Have each job performed by a device of its kind; returns Outcomes.

    `at_once` is how many may run on a host at the same time, None for any number. The
    caller, who opened the pool, closes it, which gives up what has not ended.
    """
    outcomes = Outcomes()
    waiting: list[tuple[Job, Kind]] = []
    for job, kind in jobs:
        if not limits.force and job.state().kind == states.DONE:
            outcomes.kept.append(job)
            display.update(job, "done", "earlier, unchanged")
        else:
            waiting.append((job, kind))
    running: dict[Ticket, tuple[Job, Kind]] = {}
    # by name of a kind: since when there is no device of it
    lost: dict[str, float] = {}
    while waiting or running:
        for name in dict.fromkeys(kind.name for _, kind in waiting):
            _hand_in(name, waiting, running, pool, limits, at_once)
        time.sleep(POLL)
        for ticket, (job, _) in list(running.items()):
            if ticket.done():
                del running[ticket]
                _take(job, ticket, outcomes, display)
            elif where := pool.where(ticket):
                display.update(job, "running", f"on {where}")
        _give_up_lost(waiting, running, pool, lost, outcomes, display)
    return outcomes


def _hand_in(
    name: str,
    waiting: list[tuple[Job, Kind]],
    running: dict[Ticket, tuple[Job, Kind]],
    pool: Pool,
    limits: Limits,
    at_once: int | None,
) -> None:
    """Hand in as many orders for the kind of this name as it has room for, so that devices which
    come later have their share of the rest."""
    mine = [pair for pair in waiting if pair[1].name == name]
    busy = sum(kind.name == name for _, kind in running.values())
    for job, kind in mine[: max(0, pool.room(mine[0][1]) - busy)]:
        waiting.remove((job, kind))
        order = order_of(job, limits.timeout, at_once)
        running[pool.submit(order, kind)] = (job, kind)


def _give_up_lost(
    waiting: list[tuple[Job, Kind]],
    running: dict[Ticket, tuple[Job, Kind]],
    pool: Pool,
    lost: dict[str, float],
    outcomes: Outcomes,
    display: Display,
) -> None:
    """Name the jobs of kinds of which no device has been left for a while."""
    for kind in {kind.name: kind for _, kind in [*waiting, *running.values()]}.values():
        if pool.room(kind):
            lost.pop(kind.name, None)
            continue
        since = lost.setdefault(kind.name, time.monotonic())
        if time.monotonic() - since < PATIENCE:
            continue
        reason = f"no worker with a {kind.about['device']} is left"
        for job, its in [*waiting, *running.values()]:
            if its.name == kind.name:
                outcomes.failed[job] = reason
                display.update(job, "failed", reason)
        waiting[:] = [pair for pair in waiting if pair[1].name != kind.name]
        for ticket in [t for t, (_, its) in running.items() if its.name == kind.name]:
            del running[ticket]


def _take(job: Job, ticket: Ticket, outcomes: Outcomes, display: Display) -> None:
    """Keep what came back for a job, or note why nothing did."""
    try:
        result: Result = ticket.result()
        keep(result, job.settings.folder, job.failure_path)
    except OSError as error:
        reason = f"its results could not be written: {error.strerror or error}"
    except Exception as error:
        # whatever became of its worker, it is this job's failure alone
        reason = first_line(f"{error}") or type(error).__name__
    else:
        if result.status == DONE:
            outcomes.done.append(job)
            display.update(job, "done", result.message)
            return
        reason = result.message
    outcomes.failed[job] = reason
    display.update(job, "failed", reason)
