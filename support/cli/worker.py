"""Work for others: connect this machine's GPUs, or its CPU, to a Dask scheduler."""

import argparse
import contextlib
import os
import subprocess
import sys

from support.cli import choices
from support.cli import options as shared


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address", metavar="ADDRESS", help="of the scheduler, such as tcp://HOST:8786"
    )
    shared.add_gpu(parser)
    shared.add_data_dir(parser)


def run(options: argparse.Namespace) -> int:
    """Start a Dask worker for each GPU, and wait until they end."""
    from support.basics.paths import ROOT
    from support.basics.processes import end_tree
    from support.devices import choose

    choices.use_data_dir(options)
    every = [] if options.gpu == "none" else choose.every(shared.say)
    devices = [choose.choose(options.gpu, shared.say)] if options.gpu else every
    devices = devices or [choose.cpu()]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", options.address]
    command += ["--nworkers", "1", "--nthreads", "1", "--memory-limit", "0"]
    command += ["--no-dashboard", "--death-timeout", "60"]
    print(f"{len(devices)} workers for {options.address} (Ctrl-C ends)", flush=True)
    running = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **device.variables, "PYTHONPATH": str(ROOT)},
        )
        for device in devices
    ]
    try:
        with contextlib.suppress(KeyboardInterrupt):
            return max(process.wait() for process in running)
        return 0
    finally:
        for process in running:
            if process.poll() is None:
                end_tree(process.pid)
