"""Run notebooks and tabulate what they measure."""

import argparse

from support.cli import choices, pools
from support.cli import options as shared


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_selection(parser, several=True)
    extent = parser.add_argument_group("what a run computes")
    shared.add_quick(extent)
    shared.add_extent(extent)
    shared.add_precision(extent)
    shared.add_data_dir(extent)
    shared.add_how(parser)


def run(options: argparse.Namespace) -> int:
    """Run notebooks, show them running, and print and write the tables."""
    if pools.asked(options):
        return pools.run(options)
    from support.cli.job_runs import only_shows, print_outcomes, run_jobs, write_pages
    from support.execution.jobs import Job

    settings, pairs = choices.chosen(options, "quick" if options.quick else "real")
    # repeats take turns, so that a drift of the machine hits all alike
    jobs = [
        Job(framework, model, settings, repeat)
        for repeat in range(1, options.repeats + 1)
        for framework, model in pairs
    ]
    if only_shows(jobs, options):
        return 0
    outcomes = run_jobs(jobs, options)
    from support.publish import tables

    written = write_pages(jobs[0].folder)
    tables.print_machine(jobs[0].folder)
    return max(print_outcomes(outcomes, jobs[0].folder), not written)
