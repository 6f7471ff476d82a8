"""Options that several commands share, and what is made of them."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.basics.errors import UsageError
from support.basics.precisions import PRECISIONS

if TYPE_CHECKING:
    from support.cluster.pool import Kind
    from support.devices.choose import Device
    from support.environments import Installed
    from support.execution.settings import Settings
    from support.registry import Framework

    Group = argparse._ArgumentGroup
    Pairs = list[tuple[Framework, str]]

ALL = "all"  # of --gpu
TRAINED = {"CNN": 50_000, "RNN": 25_000}  # examples of the real training sets


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
    several: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "NAME"}
    what.add_argument(
        "-f",
        "--framework",
        **several,
        help="keys or labels, see --list; or all",
    )
    what.add_argument("-m", "--model", **several, help="CNN, RNN, Inference")
    what.add_argument("-e", "--environment", **several, help="those of these pins")
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


def add_several(where: "Group") -> None:
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
        default=1,
        metavar="N",
        help="notebooks at once (1: timings undisturbed)",
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


def add_gpu(parser: "argparse.ArgumentParser | Group", more: str = "") -> None:
    parser.add_argument(
        "--gpu",
        metavar="GPU",
        help=f"a part of its name, its index or its uuid; 'none' for the CPU{more}",
    )


def add_data_dir(parser: "argparse.ArgumentParser | Group") -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the data sets are or go (default: data/)",
    )


def add_quick(parser: "Group") -> None:
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small generated data, few epochs; needs no data set",
    )


def add_precision(parser: "Group") -> None:
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=PRECISIONS,
        help="default: fp32; tf32 and fp16 are for GPUs, fp16 for Inference",
    )


def add_epochs(parser: "Group") -> None:
    parser.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="instead of the protocol's 10 (CNN) and 3 (RNN)",
    )


def add_extent(parser: "Group") -> None:
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


def chosen(options: argparse.Namespace, data: str) -> "tuple[Settings, Pairs]":
    """The settings and the (framework, model) pairs that the options ask for. Raises UsageError."""
    from support.devices import choose
    from support.records import machines

    if options.gpu == ALL or getattr(options, "on", None):
        raise UsageError("--gpu all and --on are options of run alone")
    installed, pairs = _selected(options, data)
    device = choose.choose(options.gpu, say)
    folder = machines.folder_for(results_folder(), device, options.machine)
    return _settings(options, data, device, folder, installed), pairs


def chosen_for(options: argparse.Namespace, kind: "Kind") -> "tuple[Settings, Pairs]":
    """The same for a kind of device of a pool."""
    from support.records import machines

    data = "quick" if getattr(options, "quick", False) else "real"
    if options.machine:
        raise UsageError("--machine: several kinds of devices have a folder each")
    installed, pairs = _selected(options, data)
    folder = machines.folder_of(results_folder(), kind.about)
    return _settings(options, data, kind.device, folder, installed), pairs


def _selected(
    options: argparse.Namespace, data: str
) -> "tuple[Installed | None, Pairs]":
    from support import registry

    if getattr(options, "no_system_packages", False):
        os.environ["ROSETTA_SYSTEM_PACKAGES"] = "no"
    use_data_dir(options)
    pairs = registry.select(
        _candidates(options), options.framework, options.model, options.environment
    )
    installed = environment(options)
    if installed:
        pairs = importable(installed, pairs, named=bool(options.framework))
    if not pairs:
        raise UsageError("no framework or model matches")
    check_examples(getattr(options, "examples", None), data, {m for _, m in pairs})
    return installed, pairs


def _settings(
    options: argparse.Namespace,
    data: str,
    device: "Device",
    folder: Path,
    installed: "Installed | None",
) -> "Settings":
    from support.execution.settings import Settings

    return Settings(
        device=device,
        folder=folder,
        data=data,
        precision=getattr(options, "precision", "fp32"),
        epochs=getattr(options, "epochs", None),
        examples=getattr(options, "examples", None),
        installed=installed,
    )


def results_folder() -> Path:
    """Where commands keep results; tests have theirs elsewhere."""
    from support.basics.paths import RESULTS

    return Path(os.environ.get("ROSETTA_RESULTS", RESULTS))


def use_data_dir(options: argparse.Namespace) -> None:
    """Take the data sets from the folder that the options name, if they do."""
    if getattr(options, "data_dir", None):
        if not options.data_dir.is_dir():
            raise UsageError(f"--data-dir: there is no folder {options.data_dir}")
        os.environ["ROSETTA_DATA"] = str(options.data_dir.resolve())


def _candidates(options: argparse.Namespace) -> "dict[str, Framework]":
    """The frameworks to choose from: the living ones, unless the options reach further.

    What names a framework, an environment or an installed Python means what it names, living or
    archived, and --list shows all that there is.
    """
    from support import registry

    if "all" in map(str.casefold, options.framework):
        options.framework, options.archived = [], True
    named = (options.framework, options.environment, options.here, options.python)
    moved = (getattr(options, "sources", ()), getattr(options, "targets", ()))
    every = registry.frameworks()
    if options.archived or options.list or any(named) or any(moved):
        return every
    return {key: one for key, one in every.items() if one.state == "living"}


def say(line: str) -> None:
    """Tell the user something beside a command's output."""
    print(line, file=sys.stderr)


def environment(options: argparse.Namespace) -> "Installed | None":
    """The installed Python that is asked for, if any."""
    from support.environments import Installed

    if options.here and options.python is not None:
        raise UsageError("--here and --python exclude each other")
    if options.here:
        # run_all.py went on in an environment of its own
        started_by = os.environ.get("ROSETTA_STARTED_BY", sys.executable)
        return Installed((started_by,))
    return None if options.python is None else Installed.of(options.python)


def importable(installed: "Installed", pairs: "Pairs", named: bool) -> "Pairs":
    """The pairs whose framework the environment has. UsageError for a `named` one that it has not."""
    obstacles = {framework: installed.obstacle(framework) for framework, _ in pairs}
    for framework, obstacle in obstacles.items():
        if obstacle and named:
            raise UsageError(f"{framework.key}: {obstacle.text}")
    left = [pair for pair in pairs if not obstacles[pair[0]]]
    if not left:
        first = next(filter(None, obstacles.values()))
        raise UsageError(f"no framework can be imported there: {first.text}, for one")
    return left


def check_examples(examples: int | None, data: str, models: set[str]) -> None:
    """UsageError where a limit leaves a part of a batch, or there are not so many examples."""
    from common import quick
    from common.data import IMAGES
    from common.params import MODELS

    if not examples:
        return
    batchsize = max(values["BATCHSIZE"] for values in MODELS.values())
    if examples % batchsize:
        message = f"a multiple of {batchsize}, the batch size, is expected"
        raise UsageError(f"--examples: {message}, not {examples}")
    trained = TRAINED if data == "real" else dict.fromkeys(TRAINED, quick.TRAIN)
    there = {**trained, "Inference": IMAGES[data]}
    for model in sorted(models):
        if examples > there[model]:
            raise UsageError(
                f"--examples: {model} has {there[model]:,}, not {examples:,}"
            )
