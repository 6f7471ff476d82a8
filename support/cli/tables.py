"""Make all tables and charts anew from the records."""

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(_: argparse.Namespace) -> int:
    from support.publish import tables

    tables.update_all()
    return 0
