"""Run every notebook and tabulate the results: the one command of this repository.

Needs a Python 3.10 or newer and nothing else: it makes its own environment from
support/requirements.txt in .rosetta/main, once, and hands over to support/cli.py there.
Try `python run_all.py --help`.
"""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
REQUIREMENTS = os.path.join(ROOT, "support", "requirements.txt")
OWN = os.path.join(ROOT, ".rosetta", "main")
STAMP = os.path.join(OWN, "requirements.sha256")


def main():
    if sys.version_info < (3, 10):
        version = ".".join(map(str, sys.version_info[:2]))
        sys.exit("run_all.py needs Python 3.10 or newer; this is Python " + version)
    asks_for_help = {"-h", "--help"} & set(sys.argv[1:]) and "test" not in sys.argv
    if not asks_for_help and not runs_in_own_environment():
        python = own_environment()
        os.execv(python, [python, os.path.abspath(__file__)] + sys.argv[1:])
    from support.cli import main as run

    sys.exit(run(sys.argv[1:]))


def runs_in_own_environment():
    """Whether this Python has what we need: ours, or the one of environment.yml."""
    if os.environ.get("CONDA_DEFAULT_ENV") == "rosetta":
        return True
    return os.path.realpath(sys.prefix) == os.path.realpath(OWN) and up_to_date()


def up_to_date():
    with contextlib.suppress(OSError), open(STAMP) as file:
        return file.read() == digest()
    return False


def digest():
    with open(REQUIREMENTS, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def own_environment():
    """The path of the Python of our own environment, made first if the pins are new."""
    python = os.path.join(OWN, "bin", "python")
    with only_one_at_a_time():
        if not up_to_date():
            make_environment(python)
    return python


@contextlib.contextmanager
def only_one_at_a_time():
    os.makedirs(os.path.dirname(OWN), exist_ok=True)
    with open(OWN + ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_environment(python):
    print("Setting up: the runner's own environment in .rosetta/main ...", flush=True)
    log = OWN + ".log"
    base = getattr(sys, "_base_executable", sys.executable)
    steps = (
        (
            [base, "-m", "venv", "--clear", OWN],
            "Debian and Ubuntu: apt install python3-venv",
        ),
        (
            [
                python,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "-r",
                REQUIREMENTS,
            ],
            "a network that reaches PyPI, or PIP_INDEX_URL for a mirror",
        ),
    )
    for command, need in steps:
        with open(log, "wb") as file:
            failed = subprocess.call(command, stdout=file, stderr=subprocess.STDOUT)
        if failed:
            with open(log, errors="replace") as file:
                lines = file.read().strip().splitlines() or ["no message"]
            sys.exit(
                "{}\nThe runner's environment could not be made ({}; whole message: {}). "
                "It needs {}.".format(lines[-1], " ".join(command[1:4]), log, need)
            )
    with open(STAMP, "w") as file:
        file.write(digest())


if __name__ == "__main__":
    main()
