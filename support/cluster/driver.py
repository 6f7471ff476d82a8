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


def run(
    jobs: Sequence[tuple[Job, Kind]],
    pool: Pool,
    limits: Limits,
    at_once: int | None,
    display: Display,
) -> Outcomes:
    """Have each job performed by a device of its kind; returns Outcomes.

    `at_once` is how many may run on a host at the same time, None for any number. On
    KeyboardInterrupt what has not ended is given up, and the exception goes on.
    """
    outcomes = Outcomes()
    waiting: dict[Ticket, tuple[Job, Kind]] = {}
    try:
        for job, kind in jobs:
            if not limits.force and job.state().kind == states.DONE:
                outcomes.kept.append(job)
                display.update(job, "done", "earlier, unchanged")
            else:
                order = order_of(job, limits.timeout, at_once)
                waiting[pool.submit(order, kind)] = (job, kind)
        while waiting:
            time.sleep(POLL)
            _look(waiting, pool, outcomes, display)
    finally:
        pool.close()
    return outcomes


def _look(
    waiting: dict[Ticket, tuple[Job, Kind]],
    pool: Pool,
    outcomes: Outcomes,
    display: Display,
) -> None:
    """Keep what has ended, and say where the rest is."""
    for ticket, (job, kind) in list(waiting.items()):
        if ticket.done():
            del waiting[ticket]
            _take(job, ticket, outcomes, display)
        elif trouble := pool.trouble(kind):
            del waiting[ticket]
            outcomes.failed[job] = trouble
            display.update(job, "failed", trouble)
        elif where := pool.where(ticket):
            display.update(job, "running", f"on {where}")


def _take(job: Job, ticket: Ticket, outcomes: Outcomes, display: Display) -> None:
    """Keep what came back for a job, or note why nothing did."""
    try:
        result: Result = ticket.result()
        keep(result, job.settings.folder, job.failure_path)
    except OSError as error:
        reason = f"its results could not be written: {error.strerror or error}"
    except (
        Exception
    ) as error:  # whatever became of its worker, it is this job's failure alone
        reason = first_line(f"{error}") or type(error).__name__
    else:
        if result.status == DONE:
            outcomes.done.append(job)
            display.update(job, "done", result.message)
            return
        reason = result.message
    outcomes.failed[job] = reason
    display.update(job, "failed", reason)
