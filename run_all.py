"""Run every notebook and tabulate the results: the one command of this repository.

Needs a Python 3.10 or newer and nothing else: it makes its own environment from
support/requirements.txt in .rosetta/main, once, and hands over to support/cli/ there.
Try `python run_all.py --help`.
"""

import ast
import contextlib
import hashlib
import os
import subprocess
import sys
from typing import Iterator, Optional

ROOT = os.path.dirname(os.path.realpath(__file__))
HOME = os.environ.get("ROSETTA_HOME") or os.path.join(ROOT, ".rosetta")
OWN = os.path.join(os.path.abspath(HOME), "main")
PYTHON = os.path.join(OWN, "bin", "python")
RUNNER = os.path.join(ROOT, "support", "requirements.txt")
TESTS = os.path.join(ROOT, "tests", "requirements.txt")
CLUSTER = os.path.join(ROOT, "support", "cluster", "requirements.txt")
# Settings of pip's that are kept; all others, such as those that install elsewhere, are not.
KEPT = (
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host"),
    *(
        "proxy",
        "cert",
        "client-cert",
        "timeout",
        "default-timeout",
        "retries",
        "cache-dir",
    ),
)
NETWORK = ("Connection", "Temporary failure", "timed out", "No matching distribution")


def main() -> None:
    if sys.version_info < (3, 10):
        version = ".".join(map(str, sys.version_info[:2]))
        sys.exit("run_all.py needs Python 3.10 or newer; this is Python " + version)
    testing = sys.argv[1:2] == ["test"]
    asks_for_help = {"-h", "--help"} & set(sys.argv[1:]) and not testing
    needed = [RUNNER, TESTS, CLUSTER] if testing else [RUNNER]
    clustered = any(word.partition("=")[0] == "--on" for word in sys.argv)
    if clustered or sys.argv[1:2] == ["worker"]:
        needed.append(CLUSTER)
    if not asks_for_help and not runs_in_own_environment(needed):
        provide(needed)
        os.environ["ROSETTA_STARTED_BY"] = sys.executable  # what --here means
        # -I: the settings of the caller's Python are not for the runner
        os.execv(
            PYTHON, [PYTHON, "-I", os.path.join(ROOT, "run_all.py")] + sys.argv[1:]
        )
    sys.path.insert(0, ROOT)
    from support.cli.main import main as run

    sys.exit(run(sys.argv[1:]))


def runs_in_own_environment(needed: list) -> bool:
    """Whether this Python has what we need: ours, or the one of environment.yml."""
    conda = os.environ.get("CONDA_DEFAULT_ENV") == "rosetta"
    if conda and os.environ.get("CONDA_PREFIX") == sys.prefix:
        return True
    ours = os.path.realpath(sys.prefix) == os.path.realpath(OWN)
    return ours and all(map(up_to_date, needed))


def up_to_date(requirements: str) -> bool:
    """Whether the environment has been completed from these requirements."""
    with contextlib.suppress(OSError), open(stamp(requirements)) as file:
        return file.read() == digest(requirements)
    return False


def stamp(requirements: str) -> str:
    """A file in the environment: runner.sha256 or tests.sha256."""
    name = os.path.basename(os.path.dirname(requirements))
    return os.path.join(OWN, name + ".sha256")


def digest(requirements: str) -> str:
    with open(requirements, "rb") as file:
        return hashlib.sha256(file.read().replace(b"\r\n", b"\n")).hexdigest()


def provide(needed: list) -> None:
    """Make our own environment, or complete it."""
    with only_one_at_a_time():
        if not up_to_date(RUNNER) or not starts():
            make_environment()
        for requirements in needed:
            if not up_to_date(requirements):
                install(requirements)


def starts() -> bool:
    """Whether its Python still starts; the one that it was made with may be gone."""
    try:
        return subprocess.call([PYTHON, "-I", "-c", "import psutil, rich"]) == 0
    except OSError:
        return False


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator:
    """A lock, where the file system has such a thing."""
    try:
        os.makedirs(os.path.dirname(OWN), exist_ok=True)
        file = open(OWN + ".lock", "a")  # noqa: SIM115, closed below
    except OSError as error:
        sys.exit(
            "{} cannot be written: {}".format(os.path.dirname(OWN), error.strerror)
        )
    with file:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_environment() -> None:
    print("Setting up the runner's own environment in .rosetta/main ...", flush=True)
    base = getattr(sys, "_base_executable", sys.executable)
    step(
        [base, "-m", "venv", "--clear", OWN],
        "Debian and Ubuntu: apt install python3-venv",
    )


def install(requirements: str) -> None:
    command = [PYTHON, "-I", "-m", "pip", "install", "--quiet", "--require-hashes"]
    step(command + ["-r", requirements], "", environment=settings_of_pip())
    step([PYTHON, "-I", "-c", "import nbclient, pandas, papermill, uv"], "")
    with open(stamp(requirements), "w") as file:
        file.write(digest(requirements))


def settings_of_pip() -> dict:
    """This process's environment, in which pip finds of all its settings those of KEPT alone.

    Those of its configuration files are read first, as it does not tell them from each other.
    """
    listing = subprocess.run(
        [PYTHON, "-I", "-m", "pip", "config", "list"], capture_output=True, text=True
    )
    names = {"PIP_" + name.upper().replace("-", "_"): name for name in KEPT}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PIP_") or name in names
    }
    for line in listing.stdout.splitlines():
        key, _, value = line.partition("=")
        variable = "PIP_" + key.rpartition(".")[2].upper().replace("-", "_")
        if variable in names and not key.startswith(":env:"):
            kept.setdefault(variable, " ".join(ast.literal_eval(value).split()))
    kept["PIP_CONFIG_FILE"] = os.devnull
    return kept


def step(command: list, need: str, environment: Optional[dict] = None) -> None:
    """Run a command; if it fails, say why in two lines and end."""
    log = OWN + ".log"
    with open(log, "wb") as file:
        failed = subprocess.call(command, stdout=file, stderr=file, env=environment)
    if failed:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line for line in file.read().splitlines() if line.strip()]
        cause = next(
            (x for x in reversed(lines) if "ERROR" in x), (lines or ["no message"])[-1]
        )
        if any(word in "\n".join(lines) for word in NETWORK):
            need = "a network that reaches PyPI, PIP_INDEX_URL for a mirror, or a folder of wheels"
        sys.exit(
            "{}\nThe runner's environment could not be made (whole message: {}).{}".format(
                cause, log, " It needs " + need + "." if need else ""
            )
        )


if __name__ == "__main__":
    main()
