"""What the options of a command ask for: notebooks, a device, an environment, an extent."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support.basics.errors import UsageError
from support.cli.options import ALL, say

if TYPE_CHECKING:
    from support.cluster.pool import Kind
    from support.devices.choose import Device
    from support.environments import Installed
    from support.execution.settings import Settings
    from support.registry import Framework

    Pairs = list[tuple[Framework, str]]

TRAINED = {"CNN": 50_000, "RNN": 25_000}  # examples of the real training sets


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
