"""Resolve the pins again: of environments, for CPU and GPU, and of the runner itself."""

import argparse
import sys

from support.basics.errors import NotPossible, UsageError

RUNNER = "runner"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"environments, or '{RUNNER}'"
    )


def run(options: argparse.Namespace) -> int:
    from support.environments import pinned
    from support.registry.reading import environments

    entries = environments()
    for name in options.names:
        if name not in entries and name != RUNNER:
            there = ", ".join([RUNNER, *entries])
            raise UsageError(f"unknown environment '{name}': there are {there}")
    failed = 0
    for name in options.names or [RUNNER, *entries]:
        try:
            if name == RUNNER:
                pinned.lock_runner()
            else:
                for variant in ("cpu", "gpu"):
                    if entries[name].pins(variant).with_suffix(".in").exists():
                        pinned.Pinned(entries[name], variant).lock()
            print(f"{name}: resolved")
        except NotPossible as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = 1
    return failed
