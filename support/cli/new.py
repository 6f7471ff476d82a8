"""Start a new framework from the files of one that is like it."""

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="its name in files: MyFramework")
    parser.add_argument(
        "--like", required=True, metavar="KEY", help="the framework to start from"
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="a folder of its own (default: this repository)",
    )


def run(options: argparse.Namespace) -> int:
    from support import registry
    from support.contributing import new

    like, _ = registry.select(registry.frameworks(), [options.like])[0]
    folder = options.to.resolve() if options.to else None
    for path in new.start(options.key, like, folder):
        print(path)
    prefix = f"ROSETTA_FRAMEWORKS={folder} " if folder else ""
    environment = options.key.lower()
    print(
        "\nNext:\n"
        f"  1. packages: edit {environment}/cpu.in and gpu.in, then\n"
        f"     {prefix}python run_all.py pins {environment}\n"
        "  2. the notebooks and the entry; to list what is missing:\n"
        f"     {prefix}python run_all.py check {options.key}\n"
        "  3. the proof against the float64 reference\n"
        f"     {prefix}python run_all.py parity --gpu none -f {options.key}"
    )
    return 0
