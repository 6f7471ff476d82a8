"""Measure what the usual mistakes between frameworks cost, by making them on purpose."""

import argparse

from support.cli import proofs

add_options = proofs.add_options


def run(options: argparse.Namespace) -> int:
    proofs.import_numpy_with_one_thread()
    from support.equivalence import mistakes

    return proofs.prove(options, mistakes)
