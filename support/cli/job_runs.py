"""Run jobs and say what became of them, or only show them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.execution.jobs import Job
    from support.execution.runner import Outcomes

# Where time does not count. Most of a small run is imports and compilation, on one processor; each
# notebook needs up to 3 GiB of memory.
MOST_AT_ONCE = 4


def run_jobs(
    jobs: "Sequence[Job]", options: argparse.Namespace, stderr: bool = False
) -> "Outcomes":
    """Run the jobs, showing them running; on standard error where a program reads the output."""
    from rich.console import Console

    from support.basics.numbers import counted
    from support.execution import runner
    from support.execution.display import Display

    limits = runner.Limits(
        options.jobs or _at_once(jobs),
        options.timeout,
        options.force,
        optional=not options.framework,
    )
    display = Display(jobs, Console(stderr=stderr))
    settings = jobs[0].settings
    where = f" in {' '.join(settings.installed.words)}" if settings.installed else ""
    notebooks = counted(len(jobs), "notebook")
    display.say(f"{notebooks} on {settings.device.name}{where}")
    with display:
        return runner.run(_in_order(jobs), limits, display)


def _at_once(jobs: "Sequence[Job]") -> int:
    """How many notebooks run at once unless an option says it."""
    from common.machine import cores

    return 1 if any(job.timed for job in jobs) else min(cores(), MOST_AT_ONCE)


def _in_order(jobs: "Sequence[Job]") -> "list[Job]":
    """The jobs as they are started. Where several run at once, those come first that took longest in
    the parity runs on record, or are not on record: else one would be left to run alone in the end."""
    if any(job.timed for job in jobs):
        return list(jobs)
    return sorted(jobs, key=_seconds_on_record, reverse=True)


def _seconds_on_record(job: "Job") -> float:
    """The longest that the notebook took on any machine, its start and compilation included."""
    from support.basics.paths import RESULTS
    from support.records import store

    name = f"{job.framework.key}_{job.model}_*outputs.json"
    records = map(store.read_or_none, RESULTS.glob(f"*/parity/records/{name}"))
    return max((r["wall_seconds"] for r in records if r), default=float("inf"))


def print_outcomes(outcomes: "Outcomes", folder: Path) -> int:
    """Say in the end what was done and what failed and why; returns the exit status."""
    counts = [f"{len(outcomes.done)} run", f"{len(outcomes.kept)} unchanged"]
    counts += [f"{len(outcomes.skipped)} skipped"] if outcomes.skipped else []
    counts.append(f"{len(outcomes.failed)} failed")
    print(f"{', '.join(counts)}; see {folder / 'README.md'}")
    for job, reason in outcomes.skipped.items():
        print(f"skipped: {job.name}: {reason}", file=sys.stderr)
    for job, reason in outcomes.failed.items():
        print(f"failed: {job.name}: {reason}", file=sys.stderr)
    nothing = not (outcomes.done or outcomes.kept)
    return 1 if outcomes.failed or nothing else 0


def write_pages(folder: Path) -> bool:
    """Remake the pages of a results folder; says why if that is not possible."""
    from support.publish import tables

    try:
        tables.update_machine(folder)
    except OSError as error:
        reason = error.strerror or error
        print(f"{folder}: its tables could not be written: {reason}", file=sys.stderr)
        return False
    return True


def only_shows(jobs: "Sequence[Job]", options: argparse.Namespace) -> bool:
    """Whether the options ask to see the jobs only; then they are shown."""
    if options.list:
        show_matrix(jobs)
    elif options.dry_run:
        show_plan(jobs, options.force)
    return options.list or options.dry_run


def show_plan(jobs: "Sequence[Job]", again: bool) -> None:
    """Print the jobs that would run, a line each."""
    from support.execution.jobs import DONE

    for job in jobs:
        state = job.state()
        if state.kind != DONE or again:
            print(f"{job.name}  {state}")


def show_matrix(jobs: "Sequence[Job]") -> None:
    """Print a table: frameworks with their keys, models with states, what would be installed."""
    from support import registry
    from support.environments import Pinned
    from support.execution.jobs import BLOCKED, State

    columns = list(dict.fromkeys(job.column for job in jobs))
    states: dict[str, dict[str, State]] = {}
    reasons: dict[str, str] = {}
    environments: dict[str, str] = {}
    for job in jobs:
        state = job.state()
        states.setdefault(job.framework.key, {})[job.column] = state
        if state.kind == BLOCKED:
            reasons.setdefault(job.framework.key, state.text)
        environment = job.environment
        to_be_made = isinstance(environment, Pinned) and not environment.is_ready
        shown = f"{environment.name}, to be made" if to_be_made else environment.name
        environments[job.framework.key] = shown
    rows = [["-f", *columns, "environment", ""]]
    for key in filter(states.get, registry.frameworks()):
        found = states[key]
        cells = [found[c].kind if c in found else "-" for c in columns]
        rows.append([key, *cells, environments[key], reasons.get(key, "")])
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
