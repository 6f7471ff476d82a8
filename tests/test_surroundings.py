"""The runner depends on nothing of its caller's that has no bearing on the result."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from toy_checkout import Checkout

from common.params import QUICK_EXAMPLES

pytestmark = pytest.mark.slow

QUICK = ("--quick", "-m", "RNN", "-f", "Good", "--force")


def run(checkout, *command, shell="", **variables):
    """The finished process, in an environment of these variables alone."""
    words = checkout.command(*command, "--gpu", "none")
    words = ["sh", "-c", f'exec "$@" {shell}', "sh", *words] if shell else words
    return subprocess.run(
        words,
        env={**alone(checkout), **variables},
        capture_output=True,
        timeout=180,
    )


def alone(checkout):
    """An environment of what these tests cannot do without."""
    names = ("PATH", "ROSETTA_LOCKS")
    return {name: checkout.variables[name] for name in names}


def good(done, checkout):
    """Whether the run went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    return checkout.record("Good")


def test_an_empty_environment_and_a_user_without_a_home_are_enough(checkout):
    words = ["unshare", "--user", "--map-user=12345", "--map-group=12345"]
    if subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    done = subprocess.run(
        [*words, *checkout.command(*QUICK)],
        env=alone(checkout),
        capture_output=True,
        timeout=180,
    )
    good(done, checkout)


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONSAFEPATH": "1"},
        {"ROSETTA_EXCHANGE": "/nowhere", "ROSETTA_EXAMPLES": "64"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_settings_of_the_caller_change_nothing(checkout, variables):
    record = good(run(checkout, *QUICK, **variables), checkout)
    assert record["examples"] == QUICK_EXAMPLES["RNN"]


def test_a_broken_module_of_the_caller_s_is_not_imported(checkout, tmp_path):
    for name in ("numpy", "rich", "ipykernel"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('broken')")
    base = getattr(sys, "_base_executable", sys.executable)
    done = subprocess.run(
        [base, str(checkout.root / "run_all.py"), *QUICK, "--gpu", "none"],
        env={**alone(checkout), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=180,
    )
    good(done, checkout)


def test_letters_of_all_kinds_may_be_in_the_path_of_the_checkout(template, tmp_path):
    root = tmp_path / "Größe {n} 'x'"
    ignore = shutil.ignore_patterns(".rosetta", "__pycache__", "results")
    shutil.copytree(template.root, root, ignore=ignore)
    (root / ".rosetta").mkdir()
    for name in ("main", "environments"):
        (root / ".rosetta" / name).symlink_to(template.root / ".rosetta" / name)
    checkout = Checkout(root)
    record = good(run(checkout, *QUICK, LC_ALL="C"), checkout)
    assert "Größe" not in json.dumps(record, ensure_ascii=False)


def test_a_home_of_one_slash_leaves_the_executed_notebook_as_it_is(checkout):
    good(run(checkout, *QUICK, HOME="/"), checkout)
    [path] = (checkout.root / "results").rglob("Good_*_run-1.ipynb")
    assert "~" not in path.read_text()


@pytest.mark.parametrize(
    "shell", [">/dev/full", ">&-", "2>&-", "| head -n 1 >/dev/null"]
)
def test_the_result_decides_not_whether_anybody_reads(checkout, shell):
    before = checkout.record("Good")
    if shell.startswith("|"):
        words = " ".join(map(repr, checkout.command(*QUICK, "--gpu", "none")))
        command = ["sh", "-c", f"{{ {words}; echo $? >&2; }} | head -n 1"]
        done = subprocess.run(command, env=checkout.variables, capture_output=True)
        assert done.stderr.strip().splitlines()[-1] == b"0"
    else:
        assert run(checkout, *QUICK, shell=shell).returncode == 0
    assert checkout.record("Good")["date"] >= before["date"]


def test_run_all_is_found_behind_a_link(checkout, tmp_path):
    link = tmp_path / "bin" / "run_all.py"
    link.parent.mkdir()
    link.symlink_to(checkout.root / "run_all.py")
    done = subprocess.run(
        [sys.executable, str(link), *QUICK, "--dry-run"],
        env=checkout.variables,
        capture_output=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert not (link.parent / ".rosetta").exists()


def test_a_failing_git_is_no_failure(checkout, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        "#!/bin/sh\necho fatal: dubious ownership >&2\nexit 128\n"
    )
    (folder / "git").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    record = good(run(checkout, *QUICK, PATH=path), checkout)
    assert record["git_commit"] == ""


def test_conda_is_believed_only_if_it_is_this_python_s(checkout, tmp_path):
    done = run(
        checkout,
        *QUICK,
        "--dry-run",
        CONDA_DEFAULT_ENV="rosetta",
        CONDA_PREFIX=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr


def test_results_that_cannot_be_written_are_told_before_anything_runs(checkout):
    results = checkout.root / "results"
    shutil.rmtree(results)
    results.write_text("a file where a folder belongs")
    done = checkout.run(*QUICK)
    assert done.returncode == 1
    assert "results cannot be written to" in done.stderr
    assert "running" not in done.stdout
    results.unlink()
    results.mkdir()
    assert checkout.run(*QUICK).returncode == 0  # as this file's other tests expect


def test_to_look_nothing_is_written(checkout):
    def files():
        return {p: p.stat().st_mtime_ns for p in checkout.root.rglob("*")}

    before = files()
    assert checkout.run("--quick", "--list").returncode == 0
    ours = {path for path in files() if "__pycache__" not in path.parts}
    assert ours == {path for path in before if "__pycache__" not in path.parts}
