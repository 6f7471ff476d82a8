"""List what a cluster has: its kinds of devices, and the frameworks and models that they would run."""

import argparse

from support.cli import options as shared


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_selection(parser, several=True)


def run(options: argparse.Namespace) -> int:
    from support.basics.errors import UsageError
    from support.cli import pools
    from support.cli.job_runs import show_matrix

    if not options.on:
        raise UsageError("workers: --on names the cluster")
    options.list = True
    with pools.opened(options) as pool:
        for kind in pool.kinds:
            print(f"{kind.name}: {', '.join(kind.places)}")
            show_matrix([job for job, _ in pools.jobs(options, [kind])])
    return 0
