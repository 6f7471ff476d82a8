"""Options that several commands share."""

import argparse
import sys
from pathlib import Path
from typing import Any

from support.basics.precisions import PRECISIONS

Group = argparse._ArgumentGroup
ALL = "all"  # of --gpu


def positive(text: str) -> int:
    """An option's value that must be a whole number from 1 on."""
    number = int(text) if text.isdigit() else 0
    if number < 1:
        message = f"a whole number from 1 is expected, not '{text}'"
        raise argparse.ArgumentTypeError(message)
    return number


def add_selection(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """Which notebooks, where, perhaps on several devices, in which environment."""
    what = parser.add_argument_group(
        "what to run (default: all living frameworks; with --here or --python, all that it has)"
    )
    names: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "NAME"}
    what.add_argument(
        "-f",
        "--framework",
        **names,
        help="keys or labels, see --list; or all",
    )
    what.add_argument("-m", "--model", **names, help="CNN, RNN, Inference")
    what.add_argument("-e", "--environment", **names, help="those of these pins")
    what.add_argument("--archived", action="store_true", help="archived frameworks too")
    where = parser.add_argument_group("where")
    add_gpu(where, f"; '{ALL}' for all of them" if several else "")
    if several:
        add_several(where)
    where.add_argument(
        "--python",
        metavar="COMMAND",
        help="an installed Python to use as it is, such as a path or "
        '"apptainer exec --nv image.sif python"; nothing is written into it',
    )
    where.add_argument(
        "--here", action="store_true", help="the Python that starts this, as it is"
    )
    where.add_argument(
        "--machine",
        metavar="NAME",
        help="the folder of results/ to use (default: the device's name)",
    )


def add_several(where: Group) -> None:
    """On which other devices than one of this machine."""
    where.add_argument(
        "--on",
        metavar="ADDRESS",
        help="a Dask cluster: tcp://HOST:PORT, or slurm:partition=NAME,gres=gpu:1,jobs=N",
    )
    where.add_argument(
        "--jobs-per-host",
        type=positive,
        metavar="N",
        help="with --on or --gpu all: notebooks at once on one host "
        "(1 where time counts, else one for each device)",
    )


def add_how(parser: argparse.ArgumentParser) -> None:
    """How notebooks are run, whatever for."""
    how = parser.add_argument_group("how")
    how.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        help="notebooks at once (1 where time counts, else one per processor, at most 4)",
    )
    how.add_argument(
        "--timeout",
        type=positive,
        default=7200,
        metavar="S",
        help="seconds for one notebook (7200)",
    )
    how.add_argument(
        "--force", action="store_true", help="run also what is finished and unchanged"
    )
    how.add_argument(
        "--no-system-packages",
        action="store_true",
        help="as root on Debian, do not install what environments need of the system",
    )
    look = parser.add_argument_group("only look")
    look.add_argument(
        "--list", action="store_true", help="frameworks and models with their states"
    )
    look.add_argument(
        "--dry-run", action="store_true", help="what would run, and do nothing"
    )


def add_gpu(parser: argparse.ArgumentParser | Group, more: str = "") -> None:
    parser.add_argument(
        "--gpu",
        metavar="GPU",
        help=f"a part of its name, its index or its uuid; 'none' for the CPU{more}",
    )


def add_data_dir(parser: argparse.ArgumentParser | Group) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the data sets are or go (default: data/)",
    )


def add_quick(parser: Group) -> None:
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small generated data, few epochs; needs no data set",
    )


def add_precision(parser: Group) -> None:
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=PRECISIONS,
        help="default: fp32; tf32 and fp16 are for GPUs, fp16 for Inference",
    )


def add_epochs(parser: Group) -> None:
    parser.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="instead of the protocol's 10 (CNN) and 3 (RNN)",
    )


def add_extent(parser: Group) -> None:
    """How much is computed, and how often."""
    add_epochs(parser)
    parser.add_argument(
        "--examples",
        type=positive,
        metavar="N",
        help="instead of all of the data an epoch or a prediction, on slow devices",
    )
    parser.add_argument(
        "--repeats",
        type=positive,
        default=1,
        metavar="N",
        help="run each notebook N times, in turn",
    )


def say(line: str) -> None:
    """Tell the user something beside a command's output."""
    print(line, file=sys.stderr)
