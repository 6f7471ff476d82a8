"""Runs on several devices: `--gpu all` on this machine, `--on` a cluster."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from support.basics.errors import NotPossible, UsageError
from support.cli import choices
from support.cli import options as shared

if TYPE_CHECKING:
    from support.cluster.pool import Kind, Pool
    from support.execution.jobs import Job

    Jobs = list[tuple[Job, Kind]]


def asked(options: argparse.Namespace) -> bool:
    """Whether the options ask for several devices."""
    return bool(options.on) or options.gpu == shared.ALL


@contextlib.contextmanager
def opened(options: argparse.Namespace) -> "Iterator[Pool]":
    """The pool that the options ask for; closed in the end. UsageError, NotPossible."""
    if options.on and options.gpu:
        raise UsageError("--on uses the cluster's devices; --gpu is for this machine")
    if options.on:
        try:
            from support.cluster.cluster import Cluster
        except ModuleNotFoundError as error:
            remedy = "pip install -r support/cluster/requirements.txt"
            raise NotPossible(f"--on needs {error.name}", remedy) from None
        pool: Pool = Cluster(options.on, shared.say)
    else:
        from support.cluster.pool import Here
        from support.devices import choose

        devices = choose.every(shared.say)
        if not devices:
            raise UsageError("--gpu all: this machine has no GPU that may be used")
        pool = Here(devices)
    try:
        yield pool
    finally:
        pool.close()


def jobs(options: argparse.Namespace, kinds: "Sequence[Kind]") -> "Jobs":
    """Every notebook that is asked for, once per kind of device and repeat."""
    from support.execution.jobs import Job

    found = []
    for kind in kinds:
        settings, pairs = choices.chosen_for(options, kind)
        found += [
            (Job(framework, model, settings, repeat), kind)
            for repeat in range(1, getattr(options, "repeats", 1) + 1)
            for framework, model in pairs
        ]
    return found


def run(options: argparse.Namespace) -> int:
    """Have the notebooks performed, and print and write the tables of each kind's machine."""
    from rich.console import Console

    from support.cli.job_runs import print_outcomes, show_matrix, show_plan, write_pages
    from support.cluster import driver
    from support.execution import runner
    from support.execution.display import Display
    from support.publish import tables

    if options.jobs:
        raise UsageError("--jobs is for one device; --jobs-per-host is for several")
    with opened(options) as pool:
        found = jobs(options, pool.kinds)
        for kind in pool.kinds:
            print(f"{kind.name}: {', '.join(kind.places)}", flush=True)
        if options.list or options.dry_run:
            for kind in pool.kinds:
                mine = [job for job, its in found if its is kind]
                show_matrix(mine) if options.list else show_plan(mine, options.force)
            return 0
        limits = runner.Limits(timeout=options.timeout, force=options.force)
        at_once = options.jobs_per_host or (None if options.quick else 1)
        every = [job for job, _ in found]
        with Display(every, Console()) as display:
            outcomes = driver.run(found, pool, limits, at_once, display)
    folders = dict.fromkeys(job.folder for job in every)
    written = [write_pages(folder) for folder in folders if folder.is_dir()]
    for folder in folders:
        if folder.is_dir():
            tables.print_machine(folder)
    results = choices.results_folder()
    return max(print_outcomes(outcomes, results), not all(written))
