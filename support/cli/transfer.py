"""Train in some frameworks, evaluate the same weights in others, and compare."""

import argparse
from typing import Any

from support.basics.errors import UsageError
from support.cli import choices
from support.cli import options as shared


def add_options(parser: argparse.ArgumentParser) -> None:
    moved = parser.add_argument_group("from where to where (models: CNN and RNN)")
    several: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "NAME"}
    moved.add_argument("--from", **several, dest="sources")
    moved.add_argument("--to", **several, dest="targets")
    moved.add_argument(
        "--all", action="store_true", help="between all selected frameworks"
    )
    moved.add_argument(
        "--anyway",
        action="store_true",
        help="also between GRUs of different kinds, to see what that costs",
    )
    shared.add_selection(parser)
    extent = parser.add_argument_group("what a run computes")
    shared.add_quick(extent)
    shared.add_epochs(extent)
    shared.add_precision(extent)
    shared.add_data_dir(extent)
    shared.add_how(parser)


def run(options: argparse.Namespace) -> int:
    from support.cli.job_runs import only_shows, print_outcomes, run_jobs, write_pages
    from support.equivalence import transfer

    settings, pairs = choices.chosen(options, "quick" if options.quick else "real")
    if not (options.all or (options.sources and options.targets)):
        raise UsageError("transfer needs --from and --to, or --all")
    moves = transfer.plan(pairs, options.sources, options.targets)
    if not moves:
        raise UsageError("nothing is trained for inference; models are CNN and RNN")
    if not options.anyway:
        moves, refused = transfer.refuse(moves)
        if not moves:
            raise UsageError(f"{refused[0]}; --anyway shows what the mistake costs")
        for reason in refused:
            print(f"left out: {reason}")
    trainings = transfer.trainings(moves, settings)
    if only_shows(trainings, options):
        return 0
    outcomes = run_jobs(trainings, options)
    evaluations = transfer.evaluations(moves, trainings, options.force)
    if evaluations:
        outcomes.add(run_jobs(evaluations, options))
    written = write_pages(settings.folder)
    paths = [job.weights_path for job in trainings if job.weights_path.exists()]
    if paths:
        print(f"trained weights: {paths[0] if len(paths) == 1 else paths[0].parent}")
    return max(print_outcomes(outcomes, trainings[0].folder), not written)
