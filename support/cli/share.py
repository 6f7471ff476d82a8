"""Pack a machine's results for a pull request: validated, without uuids and private paths."""

import argparse
from pathlib import Path

from support.basics.errors import UsageError


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "machine", nargs="?", metavar="MACHINE", help="a folder of results/"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("share"),
        metavar="DIR",
        help="where the folder is packed (default: share/)",
    )


def run(options: argparse.Namespace) -> int:
    from support.basics.paths import RESULTS
    from support.contributing import share
    from support.records import store

    there = {path.name: path for path in store.machines(RESULTS)}
    if options.machine not in there:
        message = (
            f"there is no {options.machine}" if options.machine else "name a machine"
        )
        raise UsageError(f"{message}: {', '.join(there) or 'results/ has none'}")
    packed = share.pack(there[options.machine], options.output / options.machine)
    for path, reason in packed.left_out.items():
        print(f"left out: {path.relative_to(RESULTS)}: {reason}")
    size = sum(path.stat().st_size for path in packed.files) / 1e6
    print(
        f"{packed.folder}: {len(packed.files)} files, {size:.1f} MB\n"
        "Copy it to results/ of your fork, run `python run_all.py tables`, commit and open a "
        "pull request."
    )
    return 1 if packed.left_out else 0
