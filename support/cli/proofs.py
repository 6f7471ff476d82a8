"""What parity and mistakes have in common: notebooks held to the float64 reference."""

import argparse
import os
from types import ModuleType

from support.basics.errors import UsageError
from support.cli import choices
from support.cli import options as shared


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_selection(parser)
    shared.add_how(parser)


def prove(options: argparse.Namespace, proof: ModuleType) -> int:
    """Run the jobs of a proof, a module of support/equivalence, and write its pages."""
    from support.cli.job_runs import only_shows, print_outcomes, run_jobs, write_pages

    settings, pairs = choices.chosen(options, "quick")
    jobs = proof.jobs(pairs, settings)
    if not jobs:
        raise UsageError("no framework or model matches")
    if only_shows(jobs, options):
        return 0
    outcomes = run_jobs(jobs, options)
    written = write_pages(settings.folder)
    return max(print_outcomes(outcomes, jobs[0].folder), not written)


def import_numpy_with_one_thread() -> None:
    """The reference runs beside notebooks, where BLAS threads spin and make it ten times slower."""
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    import numpy  # noqa: F401, reads the variable once

    del os.environ[name]  # it is not for the notebooks
    if before is not None:
        os.environ[name] = before
