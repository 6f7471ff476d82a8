"""Open JupyterLab with the frameworks' kernels, and a notebook in it."""

import argparse
import os

from support.cli import options as shared


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a notebook, such as PyTorch_CNN"
    )
    shared.add_gpu(parser)
    parser.add_argument(
        "--no-browser", action="store_true", help="only start the server"
    )
    parser.add_argument("--port", metavar="N", help="of the server (default: 8888)")


def run(options: argparse.Namespace) -> int:
    from support.devices import choose
    from support.interactive import lab

    device = choose.choose(options.gpu, shared.say)
    framework, notebook = lab.find(options.name) if options.name else (None, None)
    words, variables = lab.command(framework, notebook, device.kind, shared.say)
    words += ["--no-browser"] if options.no_browser else []
    words += [f"--ServerApp.port={options.port}"] if options.port else []
    if os.geteuid() == 0:  # Jupyter asks root to say so
        words.append("--allow-root")
    os.execve(words[0], words, {**variables, **device.variables})
