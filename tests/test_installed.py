"""An environment that is there already is used as it is, and nothing is written into it."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from toy_checkout import ROOT, VERSION, write_framework, write_notebook

from support import registry
from support.basics.errors import UsageError
from support.cli import choices
from support.environments import Installed, installed, kernels

pytestmark = pytest.mark.slow

RUN = ("--quick", "-m", "RNN")


@pytest.fixture(scope="session")
def python(tmp_path_factory):
    """A Python of the runner's version with NumPy and a module `lathe`, without ipykernel."""
    venv = tmp_path_factory.mktemp("venv")
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", venv], check=True)
    [packages] = venv.glob("lib/python*/site-packages")
    ignore = shutil.ignore_patterns("__pycache__", "tests")
    own = Path(metadata.distribution("numpy").locate_file(""))
    for folder in own.glob("numpy*"):
        shutil.copytree(folder, packages / folder.name, ignore=ignore)
    (packages / "lathe.py").write_text("")
    (packages / "lathe-2.1.dist-info").mkdir()
    about = packages / "lathe-2.1.dist-info" / "METADATA"
    about.write_text("Metadata-Version: 2.1\nName: lathe\nVersion: 2.1\n")
    return str(venv / "bin" / "python")


@pytest.fixture
def checkout(checkout, template):
    """A toy checkout that shares with the other tests' what it lends to installed Pythons."""
    overlays = template.root / ".rosetta" / "overlays"
    overlays.mkdir(exist_ok=True)
    (checkout.root / ".rosetta" / "overlays").symlink_to(overlays)
    return checkout


@pytest.fixture
def answering(monkeypatch):
    """An Installed whose Python answers with these versions of its modules."""

    def answer(version="3.12.1", **modules):
        probed = {"version": version, "prefix": "/opt/python", "libc": "glibc-2.31"}
        probed.update(modules=modules, packages=dict(modules))
        monkeypatch.setattr(installed, "_probe", lambda _: probed)
        return Installed(("python3",))

    return answer


def script(path, *lines):
    """A program that does this."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return str(path)


def files(folder):
    """What lies in a folder, with sizes and times of the last change."""
    about = {path: path.lstat() for path in Path(folder).rglob("*")}
    return {path: (one.st_size, one.st_mtime_ns) for path, one in about.items()}


def framework(*imports):
    """One that needs these modules."""
    known = registry.frameworks()
    entry = vars(next(f for f in known.values() if f.imports))
    return registry.Framework(**{**entry, "label": "Toy", "imports": imports})


# Running in one


def test_a_run_leaves_its_record_and_nothing_in_the_environment(checkout, python):
    before = files(Path(python).parents[1])
    finished = checkout.files()
    run = checkout.run(*RUN, "-f", "Good", "--python", python)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"in {python}" in run.stdout
    assert "making environment" not in run.stdout
    assert files(Path(python).parents[1]) == before

    assert list((checkout.root / ".rosetta" / "overlays").glob("*/ipykernel"))
    assert {path: checkout.files()[path] for path in finished} == finished
    [path] = (checkout.root / "results").rglob("Good_*_installed_run-1.json")
    environment = json.loads(path.read_text())["environment"]
    assert (environment["kind"], environment["name"]) == (
        "installed",
        f"Python {VERSION}",
    )
    numpy = metadata.version("numpy")
    assert environment["packages"] == {"lathe": "2.1", "numpy": numpy}
    assert environment["digest"]

    tables = (path.parents[1] / "README.md").read_text()
    rows = re.findall(r"^\| \[(Good[^\]]*)\]", tables, re.MULTILINE)
    assert rows == ["Good", "Good, installed"]
    again = checkout.run(*RUN, "-f", "Good", "--python", python)
    assert "0 run, 1 unchanged" in again.stdout


SAYS = """import importlib.util
raise RuntimeError([os.environ.get("FOO"), bool(importlib.util.find_spec("stray"))])"""


def test_the_caller_s_modules_are_for_installed_environments_alone(
    checkout, python, tmp_path
):
    """A cluster's modules work through PYTHONPATH; pins are to be what they say."""
    (tmp_path / "stray.py").write_text("")
    write_notebook(checkout.root / "notebooks" / "Raises_RNN.ipynb", SAYS)
    command = (*RUN, "-f", "Raises")
    several = ("--python", f"env FOO=words {python}")
    run = checkout.run(*command, *several, PYTHONPATH=str(tmp_path))
    assert "RuntimeError: ['words', True]" in run.stderr
    run = checkout.run(*command, PYTHONPATH=str(tmp_path))
    assert "RuntimeError: [None, False]" in run.stderr


def test_a_home_of_another_python_disturbs_no_pinned_run(checkout):
    """A cluster's module may set it for a Python of its own."""
    command = [
        sys.executable,
        "-E",
        *checkout.command(*RUN, "-f", "Good", "--force")[1:],
    ]
    variables = {**checkout.variables, "PYTHONHOME": "/opt/python"}
    run = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_kernel_starts_with_all_words_and_takes_the_lent_modules_last(
    answering, tmp_path
):
    answering(numpy="2.0")
    environment = Installed(("env", "FOO=1", "python3"))
    name = kernels.register(tmp_path, framework("numpy"), environment, cores=1)
    spec = json.loads((tmp_path / "kernels" / name / "kernel.json").read_text())
    assert spec["argv"][:3] == ["env", "FOO=1", "python3"]
    assert "overlays" in spec["env"]["ROSETTA_OVERLAY"]
    own = answering(numpy="2.0", ipykernel="6.29")
    assert own.is_ready and "ROSETTA_OVERLAY" not in own.kernel_variables()


# Choosing


def chosen(**given):
    """The environment that these options mean."""
    usual = {"here": False, "python": None}
    return choices.environment(argparse.Namespace(**{**usual, **given}))


def test_here_is_the_python_that_started_the_runner(monkeypatch):
    monkeypatch.setenv("ROSETTA_STARTED_BY", "/opt/python/bin/python")
    assert chosen(here=True).words == ("/opt/python/bin/python",)
    monkeypatch.delenv("ROSETTA_STARTED_BY")
    assert chosen(here=True).words == (sys.executable,)
    assert chosen() is None
    with pytest.raises(UsageError, match="there is no program ''"):
        chosen(python="")  # as where a variable of the shell is not set


def test_only_what_can_be_imported_is_selected_and_its_like_is_listed(checkout, python):
    """Started by that Python, which hands over to the runner's own."""
    if os.environ.get("CONDA_DEFAULT_ENV") == "rosetta":
        pytest.skip("conda's environment does not hand over")
    entries = checkout.root / "support" / "registry"
    for key, requirement in (("Turns", "lathe>=2"), ("Mills", "mill")):
        path = write_framework(entries, key)
        path.write_text(path.read_text().replace('"numpy"', f'"{requirement}"'))
    command = [python, *checkout.command("--here", "-m", "RNN", "--list")[1:]]
    listing = subprocess.run(
        command, env=checkout.variables, capture_output=True, text=True
    )
    assert listing.returncode == 0, listing.stderr
    lines = [re.split("  +", line) for line in listing.stdout.splitlines()[1:]]
    listed = {line[0]: line[2] for line in lines}
    assert "Turns" in listed and "Good" in listed and "Mills" not in listed
    assert set(listed.values()) == {f"Python {VERSION}"}


def test_a_framework_asked_for_by_name_that_is_not_there_is_an_error(checkout, python):
    path = write_framework(checkout.root / "support" / "registry", "Mills")
    path.write_text(path.read_text().replace('"numpy"', '"mill"'))
    run = checkout.run("-f", "Mills", "Good", "--python", python)
    assert run.returncode == 2
    expected = f"run_all.py: Mills: there is no module mill in {python}\n"
    assert (run.stderr, run.stdout) == (expected, "")


def test_where_nothing_can_be_imported_it_is_said(answering):
    pairs = [(framework("mill"), "CNN"), (framework("saw"), "CNN")]
    with pytest.raises(UsageError, match="no framework can be imported there: .* mill"):
        choices.importable(answering(numpy="2.0"), pairs, named=False)


@pytest.mark.parametrize(
    "version, needed, obstacle",
    [
        ("3.1.0", "keras>=3", None),
        ("3.0.0rc1", "keras>=3", "keras is 3.0.0rc1, and >=3 is needed,"),
        ("2.15.0", "keras>=3", "keras is 2.15.0, and >=3 is needed,"),
        ("2.3.1", "keras<3", None),
        ("2.4.0+cu121", "keras>=2.4,<3", None),
        ("2.6.0a0+git1234", "keras>=2", None),
        ("", "keras>=3", None),  # nothing is known of its version
        ("unknown", "keras>=3", None),
        (None, "keras>=3", "there is no module keras"),
        (None, "keras", "there is no module keras"),
    ],
)
def test_limits_of_versions_are_respected(answering, version, needed, obstacle):
    modules = {"numpy": "2.0"} if version is None else {"numpy": "", "keras": version}
    found = answering(**modules).obstacle(framework(needed))
    assert (found and found.text) == (obstacle and f"{obstacle} in python3")


def test_a_framework_of_another_language_runs_in_its_pins_only(answering):
    found = answering(numpy="2.0").obstacle(framework())
    assert found.text == "Toy runs in the environment of its pins only"


def test_its_digest_changes_with_python_and_with_its_packages(answering):
    digests = {
        answering(version, numpy=numpy).digest
        for version in ("3.11.1", "3.12.1")
        for numpy in ("1.26", "2.0")
    }
    assert len(digests) == 4


# Commands that do not answer


def refused(command):
    """The line with which a command is refused."""
    with pytest.raises(UsageError) as error:
        Installed.of(command)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("command", ["no-such-program", "", "  ", "/tmp"])
def test_a_program_that_is_not_there_is_named(command):
    assert refused(command) == f"--python: there is no program '{command}'"


def test_a_command_that_cannot_be_read_is_refused():
    assert refused("python 'x").startswith("--python: python 'x: ")


def test_a_program_that_does_not_start_is_named(tmp_path):
    program = tmp_path / "python"
    program.write_bytes(b"\x7fELF, but no more")
    program.chmod(0o755)
    assert f"{program} does not start: " in refused(str(program))


@pytest.mark.parametrize(
    "does, said",
    [
        ("exit 3", "status 3"),
        ("echo usage: lathe >&2; exit 2", "usage: lathe"),
        ("echo hello", "status 0"),
        ("echo 42", "status 0"),
    ],
)
def test_a_program_that_is_no_python_is_told_with_its_own_words(tmp_path, does, said):
    program = script(tmp_path / "lathe", does)
    assert refused(program) == f"{program} is no Python that answers: {said}"


def test_a_program_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "TIMEOUT", 0.2)
    program = script(tmp_path / "python", "exec sleep 60")
    assert refused(program) == f"{program} did not answer within 0.2 seconds"


def test_a_python_that_is_too_old_is_refused(tmp_path):
    answer = json.dumps({"version": "3.5.2", "modules": {}, "packages": {}})
    program = script(tmp_path / "python", f"echo '{answer}'")
    assert refused(program) == "--python: Python 3.5.2 is too old; 3.6 is the oldest"


def test_words_beside_its_answer_do_not_matter(tmp_path, python):
    """A site's start-up may greet, and a container may warn."""
    program = script(tmp_path / "python", "echo Welcome", f'exec {python} "$@"')
    probed = Installed.of(f"{program} -X utf8").probed
    assert probed["version"].startswith(VERSION)
    assert probed["modules"]["numpy"] == metadata.version("numpy")


# The runner's own environment


def test_the_runner_s_environment_is_made_from_a_folder_of_wheels(tmp_path):
    """On a machine without a network; what pip is told to do elsewhere does not matter."""
    caller = {n: v for n, v in os.environ.items() if not n.startswith("PIP_")}
    wheels, root, elsewhere = (tmp_path / n for n in ("wheels", "root", "elsewhere"))
    requirements = "support/requirements.txt"
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes"]
    subprocess.run([*download, "-r", requirements, "-d", wheels], cwd=ROOT, check=True)

    for name in ("support", "common"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    (root / "tests").mkdir()
    for name in ("run_all.py", "tests/requirements.txt"):
        shutil.copy(ROOT / name, root / name)
    constraint = tmp_path / "constraint.txt"
    constraint.write_text("numpy==1.0\n")
    settings = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_TARGET": str(elsewhere),
        "PIP_USER": "1",
        "PIP_CONSTRAINT": str(constraint),
    }
    base = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run(
        [base, str(root / "run_all.py"), "--list", "--gpu", "none"],
        env={**caller, **settings},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.startswith("Setting up the runner's own environment")
    assert (root / ".rosetta" / "main" / "support.sha256").exists()
    assert not elsewhere.exists()
