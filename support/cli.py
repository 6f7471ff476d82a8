"""The command line: what is asked for, checked and handed to the modules that do it.

Imports the standard library alone at the top, so that --help is instant on any Python.
"""

import argparse
import os
import sys
from pathlib import Path

from support.errors import UsageError
from support.precisions import PRECISIONS

DESCRIPTION = """\
Run the notebooks of this repository and tabulate what they measured.

  python run_all.py --quick              check this installation on small generated data
  python run_all.py                      the full protocol, on the first GPU or else the CPU
  python run_all.py --gpu P100           … on the GPU whose name contains P100
  python run_all.py -f PyTorch Keras     … only these frameworks
  python run_all.py --list               every framework and model, and what would run
  python run_all.py parity               prove that the notebooks are the same models
  python run_all.py transfer --all       move trained weights between all frameworks
  python run_all.py mistakes             … and what the mistakes between them cost
  python run_all.py verify               is everything as fast and as accurate as it should be?
  python run_all.py tables               make all tables and charts anew from the records
  python run_all.py site                 build the reader in site/: compare, look up, results
  python run_all.py test [-k NAME]       run the tests; arguments go to pytest
  python run_all.py pins [NAME ...]      resolve the environments' pins anew
"""
EPILOG = """\
Everything is made in .rosetta/, results/ and site/; nothing else is written. A finished run is not
repeated unless its notebook, common/, pins or settings have changed, or --force says so.
Exit status: 0 all well, 1 something failed (verify: is slower than expected, or its accuracy is off),
2 the command makes no sense or verify could not judge something, 130 interrupted.
"""
COMMANDS = (
    "run",
    "parity",
    "transfer",
    "mistakes",
    "verify",
    "tables",
    "site",
    "test",
    "pins",
)
INTERRUPTED = 130


def main(argv):
    """Returns the exit status."""
    if argv[:1] == ["test"]:
        return test(argv[1:])
    try:
        options = parse(argv)
        status = COMMAND_FUNCTIONS[options.command](options)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"run_all.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "\nInterrupted. Finished runs are kept; the same command goes on from there.",
            file=sys.stderr,
        )
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        raise UsageError(f"{message}; see --help")


def parse(argv):
    parser = Parser(
        prog="run_all.py",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "command", nargs="?", default="run", choices=COMMANDS, help="default: run"
    )
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    what = parser.add_argument_group("what to run (default: everything)")
    what.add_argument("-f", "--framework", nargs="+", default=[], metavar="NAME")
    what.add_argument(
        "-m",
        "--model",
        nargs="+",
        default=[],
        metavar="NAME",
        help="CNN, RNN, Inference",
    )
    what.add_argument("-e", "--environment", nargs="+", default=[], metavar="NAME")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--quick",
        action="store_true",
        help="small generated data, few epochs; needs no data set",
    )
    how.add_argument(
        "--gpu",
        metavar="TEXT",
        help="the GPU whose name contains TEXT; 'none' for the CPU",
    )
    how.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="instead of the protocol's 10 (CNN) and 3 (RNN)",
    )
    how.add_argument(
        "--examples",
        type=positive,
        metavar="N",
        help="instead of all of the data an epoch or a prediction, on slow devices",
    )
    how.add_argument(
        "--precision",
        default="fp32",
        choices=PRECISIONS,
        help="default: fp32; tf32 and fp16 are for GPUs",
    )
    how.add_argument(
        "--repeats",
        type=positive,
        default=1,
        metavar="N",
        help="run each notebook N times, in turn",
    )
    how.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the data sets are or go (default: data/)",
    )
    how.add_argument(
        "--timeout",
        type=positive,
        default=7200,
        metavar="S",
        help="seconds for one notebook (7200)",
    )
    how.add_argument(
        "--jobs",
        type=positive,
        default=1,
        metavar="N",
        help="notebooks at once (1: timings undisturbed)",
    )
    how.add_argument(
        "--force", action="store_true", help="run also what is finished and unchanged"
    )
    moved = parser.add_argument_group("transfer (models: CNN and RNN)")
    moved.add_argument("--from", nargs="+", default=[], metavar="NAME", dest="sources")
    moved.add_argument("--to", nargs="+", default=[], metavar="NAME", dest="targets")
    moved.add_argument(
        "--all", action="store_true", help="from all and to all that the filters leave"
    )
    moved.add_argument(
        "--anyway",
        action="store_true",
        help="also between GRUs of different kinds, to see what that costs",
    )
    look = parser.add_argument_group("only look")
    look.add_argument(
        "--list", action="store_true", help="every framework and model with its state"
    )
    look.add_argument(
        "--dry-run",
        action="store_true",
        help="what this command would run, and do nothing",
    )
    verdict = parser.add_argument_group("verify")
    verdict.add_argument("--json", action="store_true", help="the verdicts as JSON")
    pages = parser.add_argument_group("site")
    pages.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where it is built (default: site/)",
    )
    pages.add_argument(
        "--serve",
        action="store_true",
        help="show it on this machine, and build it anew on changes",
    )
    options = parser.parse_args(argv)
    if options.json and options.command != "verify":
        parser.error("--json is for verify")
    return options


def positive(text):
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(
            f"a whole number from 1 is expected, not '{text}'"
        )
    return number


def run(options):
    """Run notebooks, show them running, and print and write the tables."""
    from support import registry, tables
    from support.jobs import Job

    settings, pairs = chosen(options)
    # repeats take turns, so that a drift of the machine hits all alike
    jobs = [
        Job(framework, model, settings, repeat)
        for repeat in range(1, options.repeats + 1)
        for framework, model in pairs
    ]
    if options.list or options.dry_run:
        return show(jobs, options)
    outcomes = carry_out(jobs, options)
    tables.update_machine(jobs[0].folder, registry.load())
    tables.print_machine(jobs[0].folder, registry.load())
    return conclude(outcomes, jobs[0].folder)


def prove(options):
    """Hold notebooks to the reference: as they are, or with mistakes made on purpose."""
    import_numpy_with_one_thread()
    from support import registry
    from support.sameness import mistakes, pages, parity

    settings, pairs = chosen(options)
    jobs = {"parity": parity, "mistakes": mistakes}[options.command].jobs(
        pairs, settings
    )
    if not jobs:
        raise UsageError("the filters leave nothing to run")
    if options.list or options.dry_run:
        return show(jobs, options)
    outcomes = carry_out(jobs, options)
    pages.update_machine(settings.machine_folder, registry.load())
    return conclude(outcomes, jobs[0].folder)


def import_numpy_with_one_thread():
    """The reference runs beside notebooks, where BLAS threads spin and make it ten times slower."""
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    import numpy  # noqa: F401, reads the variable once

    del os.environ[name]  # it is not for the notebooks
    if before is not None:
        os.environ[name] = before


def transfer(options):
    """Train in some frameworks, evaluate the same weights in others, and compare."""
    from support import registry
    from support.sameness import pages, transfer

    settings, pairs = chosen(options)
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
    if options.list or options.dry_run:
        return show(trainings, options)
    outcomes = carry_out(trainings, options)
    evaluations = transfer.evaluations(moves, trainings, options.force)
    if evaluations:
        more = carry_out(evaluations, options)
        outcomes.done += more.done
        outcomes.kept += more.kept
        outcomes.failed.update(more.failed)
    pages.update_machine(settings.machine_folder, registry.load())
    for training in trainings:
        if training.weights_path.exists():
            print(f"{training.name}: {training.weights_path}")
    return conclude(outcomes, trainings[0].folder)


def verify(options):
    """Say of each framework whether it is as fast and as accurate here as expected."""
    from support import verify

    settings, pairs = chosen(options)
    if options.quick:
        raise UsageError(
            "verify judges the real models; generated data compare nothing"
        )
    verification = verify.Verification(
        pairs, settings, named=bool(options.model), again=options.force
    )
    jobs = verification.jobs(options.repeats)
    if options.list or options.dry_run:
        return show(jobs, options) if jobs else 0
    failed = carry_out(jobs, options).failed if jobs else {}
    found, left_out = verification.findings(failed), verification.left_out
    if options.json:
        print(verify.as_json(found, left_out, settings.device))
    else:
        print(verify.as_text(found, left_out))
    return verify.exit_status(found)


def carry_out(jobs, options):
    """Run the jobs, showing them running; returns their Outcomes."""
    from rich.console import Console

    from support import runner
    from support.display import Display

    limits = runner.Limits(options.jobs, options.timeout, options.force)
    # what a program reads is on standard output alone
    display = Display(jobs, Console(stderr=options.json))
    count = f"{len(jobs)} notebook{'s' if len(jobs) > 1 else ''}"
    display.say(f"{count} on {jobs[0].settings.device.name}")
    with display:
        return runner.run(jobs, limits, display)


def conclude(outcomes, folder):
    """Say in the end what was done and what failed and why."""
    print(
        f"{len(outcomes.done)} run, {len(outcomes.kept)} unchanged, {len(outcomes.failed)} failed; see {folder}/README.md"
    )
    for job, reason in outcomes.failed.items():
        print(f"failed: {job.name}: {reason}", file=sys.stderr)
    return 1 if outcomes.failed else 0


def chosen(options):
    """The settings and the (framework, model) pairs that the options ask for."""
    from support import devices, registry
    from support.jobs import Settings
    from support.paths import RESULTS

    if options.names:
        raise UsageError(
            f"unexpected '{options.names[0]}'; frameworks are named with --framework"
        )
    if options.data_dir:
        if not options.data_dir.is_dir():
            raise UsageError(f"--data-dir: there is no folder {options.data_dir}")
        os.environ["ROSETTA_DATA"] = str(options.data_dir.resolve())
    proof = options.command in ("parity", "mistakes")
    if proof and (options.precision != "fp32" or options.epochs):
        raise UsageError(f"{options.command} is in fp32, with steps of its own")
    if options.examples:
        check_examples(options)
    settings = Settings(
        device=devices.choose(options.gpu),
        data="quick" if options.quick or proof else "real",
        precision=options.precision,
        epochs=options.epochs,
        examples=options.examples,
        # tests keep theirs apart
        results=Path(os.environ.get("ROSETTA_RESULTS", RESULTS)),
    )
    pairs = registry.select(
        registry.load(), options.framework, options.model, options.environment
    )
    if not pairs:
        raise UsageError("the filters leave nothing to run")
    return settings, pairs


def check_examples(options):
    """UsageError where a limit makes no sense, or leaves a part of a batch of any model."""
    from common.params import MODELS

    batchsize = max(values["BATCHSIZE"] for values in MODELS.values())
    if options.command not in ("run", "verify"):
        raise UsageError("--examples is for run and verify")
    if options.examples % batchsize:
        raise UsageError(
            f"--examples: a multiple of {batchsize}, the batch size, is expected"
        )


def show(jobs, options):
    """Print the jobs and their states; with --dry-run only those that would run."""
    width = max(len(job.name) for job in jobs)
    for job in jobs:
        state = job.state()
        if options.dry_run and state == "done" and not options.force:
            continue
        repeat = f"  run {job.repeat}" if options.repeats > 1 else ""
        print(f"{job.name:{width}}{repeat}  {state}")
    return 0


def make_tables(_):
    """Make every table and chart anew."""
    from support import registry, tables
    from support.sameness import pages

    tables.update_all(registry.load())
    pages.update_all(registry.load())
    return 0


def make_site(options):
    """Build the reader, a static site; with --serve also show it."""
    from support.paths import ROOT
    from support.site import build, serve

    output = options.output or ROOT / "site"
    build.build(output)
    if options.serve:
        return serve.serve(output)
    print(f"Open {output / 'index.html'}, or publish the folder as it is.")
    return 0


def pins(options):
    """Resolve .in files into locks: the environments', CPU and GPU, and the runner's own."""
    from functools import partial

    from support import environments, registry
    from support.errors import NotPossible

    locks = {"runner": [environments.lock_runner]}
    for framework in registry.load().values():
        name, lock = framework.environment.name, environments.lock
        locks[name] = [partial(lock, framework.environment, v) for v in ("cpu", "gpu")]
    for name in options.names:
        if name not in locks:
            raise UsageError(
                f"unknown environment '{name}': there are {', '.join(locks)}"
            )
    failed = 0
    for name in options.names or locks:
        for lock in locks[name]:
            try:
                lock()
                print(f"{name}: resolved")
            except NotPossible as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed = 1
    return failed


def test(arguments):
    """Hand over to pytest in this environment."""
    import pytest

    from support.paths import ROOT

    os.chdir(ROOT)
    return int(pytest.main(arguments))


COMMAND_FUNCTIONS = {
    "run": run,
    "parity": prove,
    "mistakes": prove,
    "transfer": transfer,
    "verify": verify,
    "tables": make_tables,
    "site": make_site,
    "pins": pins,
}
