"""Remake all tables and charts from the records."""

import argparse

from support.basics.errors import NotPossible


def add_options(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(_: argparse.Namespace) -> int:
    from support.publish import tables

    try:
        tables.update_all()
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise NotPossible(f"the tables cannot be written: {reason}") from None
    return 0
