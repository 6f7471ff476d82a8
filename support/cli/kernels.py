"""Register the frameworks' kernels for your own Jupyter and editors, or remove them."""

import argparse
from typing import Any

from support.cli import options as shared


def add_options(parser: argparse.ArgumentParser) -> None:
    several: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "NAME"}
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--install",
        action="store_true",
        help="kernels of all environments that exist, or of the named frameworks",
    )
    what.add_argument(
        "--remove", action="store_true", help="all that this checkout installed"
    )
    parser.add_argument("-f", "--framework", **several, help="keys, see --list")
    shared.add_gpu(parser)


def run(options: argparse.Namespace) -> int:
    from support import registry
    from support.devices import choose
    from support.environments import Pinned
    from support.interactive import specs

    folder = specs.user_folder()
    if options.remove:
        for name in specs.remove(folder):
            print(f"removed {folder / 'kernels' / name}")
        return 0
    kind = choose.choose(options.gpu, shared.say).kind
    every = registry.frameworks()
    keys = {f.key for f, _ in registry.select(every, options.framework)}
    chosen = [framework for key, framework in every.items() if key in keys]
    for framework in chosen if options.framework else []:
        Pinned(framework.environment, kind).prepare(shared.say)
    ready = [f for f in chosen if Pinned(f.environment, kind).is_ready]
    for name in specs.install(ready, kind, folder):
        print(f"installed {folder / 'kernels' / name}")
    if not ready:
        shared.say("no environment exists yet; name frameworks with -f to make theirs")
    return 0 if ready else 1
