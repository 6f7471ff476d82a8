"""Build the reader, a static site: compare notebooks, look up phrases, see results."""

import argparse
from pathlib import Path

from support.basics.errors import NotPossible


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where it is built (default: site/)",
    )
    parser.add_argument(
        "--repository",
        default="",
        metavar="URL",
        help="address of the sources, for links to them",
    )
    parser.add_argument(
        "--serve",
        action="store_true",
        help="show it on this machine, and rebuild it on changes",
    )


def run(options: argparse.Namespace) -> int:
    from support.basics.paths import ROOT
    from support.publish.site import build, serve

    output = options.output or ROOT / "site"
    try:
        build.build(output, options.repository)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise NotPossible(f"the site cannot be written: {reason}") from None
    if options.serve:
        return serve.serve(output, options.repository)
    print(f"Open {output / 'index.html'}, or publish the folder as it is.")
    return 0
