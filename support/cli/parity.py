"""Prove that notebooks are the same models: outputs, losses and weights against a float64 reference."""

import argparse

from support.cli import proofs

add_options = proofs.add_options


def run(options: argparse.Namespace) -> int:
    proofs.import_numpy_with_one_thread()
    from support.equivalence import parity

    return proofs.prove(options, parity)
