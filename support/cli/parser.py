"""The parser of the command line, built from one module per command."""

import argparse
import difflib
from types import ModuleType
from typing import Any, NoReturn

from support.basics.errors import UsageError
from support.cli import (
    check,
    kernels,
    lab,
    mistakes,
    new,
    parity,
    pins,
    run,
    share,
    site,
    tables,
    test,
    transfer,
    verify,
    worker,
    workers,
)

COMMANDS: dict[str, ModuleType] = {
    "run": run,
    "verify": verify,
    "parity": parity,
    "transfer": transfer,
    "mistakes": mistakes,
    "tables": tables,
    "site": site,
    "workers": workers,
    "worker": worker,
    "lab": lab,
    "kernels": kernels,
    "new": new,
    "check": check,
    "share": share,
    "test": test,
    "pins": pins,
}
DESCRIPTION = """\
Run the notebooks of this repository, prove that they are the same models, and tabulate what they
measured.

  python run_all.py --quick              check this installation on small generated data
  python run_all.py                      the full protocol, on the first GPU or else the CPU
  python run_all.py --gpu P100           … on the GPU whose name contains P100
  python run_all.py -f NAME NAME         … only these frameworks, named as --list names them
  python run_all.py --here               … in the Python that starts this, used as it is
  python run_all.py --archived           … the frameworks whose development has ended, too
  python run_all.py --gpu all            … on all GPUs of this machine
  python run_all.py --on tcp://HOST:PORT … on all kinds of devices of a Dask cluster
  python run_all.py --list               every framework and model, and what would run
"""
EPILOG = """\
`run` need not be named: options alone are options of `run`. `run_all.py COMMAND --help` shows what a
command takes.

Environments, caches and unfinished work are kept in .rosetta/, what was measured in results/, the
reader in site/. A finished run is not repeated unless its notebook, common/, environment or
settings have changed, or --force says so.
Exit status: 0 all well, 1 something failed (verify: is slower than expected, or its accuracy is off),
2 usage error, or verify could not decide about something, 130 interrupted.
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def __init__(self, **settings: Any) -> None:
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(formatter_class=layout, allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def parse(argv: list[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The command's module, and its options. Raises UsageError."""
    if argv[:1] in (["-h"], ["--help"]):
        print(_overview(), end="")
        raise SystemExit(0)
    named = argv and not argv[0].startswith("-")
    name, rest = (argv[0], argv[1:]) if named else ("run", argv)
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
        hint = (
            f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
        )
        raise UsageError(f"unknown command '{name}': {hint}")
    command = COMMANDS[name]
    if name == "test":  # pytest's options are its own
        return command, argparse.Namespace(arguments=rest)
    options, unknown = _parser(name).parse_known_args(rest)
    if unknown:
        raise UsageError(_about_unknown(name, unknown))
    return command, options


def _parser(name: str) -> Parser:
    command = COMMANDS[name]
    parser = Parser(prog=f"run_all.py {name}", description=command.__doc__)
    command.add_options(parser)
    return parser


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [
        f"  {name:{width}}  {(command.__doc__ or '').splitlines()[0]}"
        for name, command in COMMANDS.items()
    ]
    commands = "\n".join(lines)
    usage = "usage: run_all.py [COMMAND] [options]"
    return f"{usage}\n\n{DESCRIPTION}\ncommands:\n{commands}\n\n{EPILOG}"


def _about_unknown(name: str, unknown: list[str]) -> str:
    """What was probably meant by what the command does not take."""
    options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
    if not options:
        if unknown[0] in COMMANDS:
            return f"unexpected '{unknown[0]}': a command comes first, options follow"
        return f"unexpected '{unknown[0]}'; frameworks are named with --framework"
    option = options[0]
    own = _options(name)
    near = difflib.get_close_matches(option, own, n=1, cutoff=0.7)
    if near:
        return f"unknown option {option} of {name}: did you mean {near[0]}?"
    takers = [
        other for other in COMMANDS if other != "test" and option in _options(other)
    ]
    if takers:
        return f"{option} is an option of {', '.join(takers)}, not of {name}"
    return f"unknown option {option}; see run_all.py {name} --help"


def _options(name: str) -> list[str]:
    return list(_parser(name)._option_string_actions)
