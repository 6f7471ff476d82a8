"""Say what of a framework is done and what is missing, without executing anything."""

import argparse

from support.basics.errors import UsageError


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("keys", nargs="+", metavar="KEY", help="frameworks, see --list")


def run(options: argparse.Namespace) -> int:
    from support import registry
    from support.contributing import check

    every = registry.frameworks()
    complete = True
    for key in options.keys:
        if key not in every:
            near = registry.nearest(key, every)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise UsageError(
                f"there is no entry {key}.toml in support/registry/frameworks{hint}"
            )
        print(f"{every[key].label} ({key})")
        for part in check.parts(every[key]):
            complete &= not part.problems
            print(f"  {'missing' if part.problems else 'done':8} {part.name}", end="")
            print("" if part.problems else f": {part.done}")
            for problem in part.problems:
                print(f"           {problem}")
    return 0 if complete else 1
