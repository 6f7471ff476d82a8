"""The command line's beginning and end: find the command, run it, say in one line what is wrong.

Imports the standard library alone at the top, as all modules of the commands do, so that
--help is instant on any Python.
"""

import logging
import signal
import sys
from typing import Any

from support.basics.errors import NotPossible, UsageError
from support.cli import parser, streams

INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Returns the exit status."""
    if argv[:1] != ["test"]:  # pytest looks after its own
        streams.make_tolerant()
    # our own handler gets the filter: the root's may be somebody else's
    shown = logging.StreamHandler()
    shown.addFilter(_OncePerMessage())
    logging.basicConfig(
        format="run_all.py: %(message)s", level=logging.WARNING, handlers=[shown]
    )
    try:
        return _run(argv)
    except UsageError as error:
        print(f"run_all.py: {error}", file=sys.stderr)
        return 2
    except NotPossible as error:
        print(f"run_all.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted. Finished runs are kept; the same command goes on from there.",
            file=sys.stderr,
        )
        return INTERRUPTED


def _run(argv: list[str]) -> int:
    """Find the command and run it. In the end all that it printed is written, --help too."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        command, options = parser.parse(argv)
        return command.run(options)
    finally:
        sys.stdout.flush()


def _interrupt(*_: Any) -> None:
    """What asks this process to end, such as a cluster's time limit, ends it like Ctrl-C."""
    raise KeyboardInterrupt


class _OncePerMessage(logging.Filter):
    """Lets a message through once: a damaged record is read more often than it is reported."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        new = message not in self._seen
        self._seen.add(message)
        return new
