"""What a newcomer types, and what the command line answers."""

import logging
import os
import re
import subprocess
import sys

import pytest
from command_line import run_all

from support import registry
from support.basics.paths import ROOT
from support.cli import main as cli


def cells(line):
    """The cells of a line of --list."""
    return re.split(r"  +", line)


# Help


def test_help_shows_examples():
    answer = run_all("--help")
    assert "python run_all.py --quick" in answer.stdout
    assert answer.returncode == 0


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "-h"]], ids=" ".join)
def test_help_needs_no_environment(arguments):
    """A bare Python without this project's packages."""
    command = [sys._base_executable, "-S", str(ROOT / "run_all.py"), *arguments]
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_a_command_s_help_shows_what_it_takes_and_nothing_else():
    shown = run_all("verify", "--help").stdout
    options = set(re.findall(r"^  (?:-\w.*, )?--([\w-]+)", shown, re.MULTILINE))
    assert options == {
        *("help", "json", "framework", "model", "environment", "archived"),
        *("gpu", "python", "here", "machine", "epochs", "examples", "repeats"),
        *("precision", "data-dir", "jobs", "timeout", "force", "list", "dry-run"),
        "no-system-packages",
    }
    assert "as fast and as accurate" in shown


# Usage errors


@pytest.mark.parametrize(
    "arguments, answer",
    [
        (["verfy"], "unknown command 'verfy': did you mean verify?"),
        (["lasagna"], "unknown command 'lasagna': there are run, verify, "),
        (
            ["--presicion", "bf16"],
            "unknown option --presicion of run: did you mean --precision?",
        ),
        (["verify", "--repeat=3"], "did you mean --repeats?"),
        (["--colour"], "unknown option --colour; see run_all.py run --help"),
        (["-f", "Pytroch"], "unknown framework 'Pytroch': did you mean PyTorch"),
        (
            ["-f", "Keras (Tensorflw)"],
            "unknown framework 'Keras (Tensorflw)': did you mean Keras",
        ),
        (["-m", "LSTM"], "unknown model 'LSTM': there are CNN, "),
        (["-m", "ResNet"], "unknown model 'ResNet': did you mean Inference?"),
        (["-e", "zzz"], "unknown environment 'zzz': there are "),
        (["-f", "CNTK", "-e", "torch"], "no framework or model matches"),
        (
            ["--epochs", "0"],
            "argument --epochs: a whole number from 1 is expected, not '0'",
        ),
        (["--precision", "fp8"], "argument --precision: invalid choice: 'fp8'"),
        (["--examples", "100"], "--examples: a multiple of 64, the batch size"),
        (
            ["--examples", "1920", "-m", "Inference"],
            "--examples: Inference has 1,024, not 1,920",
        ),
        (
            ["--quick", "--examples", "704", "-m", "CNN"],
            "--examples: CNN has 640, not 704",
        ),
        (
            ["parity", "--examples", "64"],
            "--examples is an option of run, verify, not of parity",
        ),
        (["verify", "--quick"], "--quick is an option of run, transfer, not of verify"),
        (["tables", "--gpu", "none"], "--gpu is an option of run, verify, parity, "),
        (["--gpu", "none", "verify"], "'verify': a command comes first"),
        (
            ["verify", "PyTorch"],
            "unexpected 'PyTorch'; frameworks are named with --framework",
        ),
        (["--data-dir", "nowhere"], "--data-dir: there is no folder nowhere"),
        (["--gpu", "P100"], "--gpu P100: no such GPU; "),
        (["--machine", "My Box"], "--machine: write it as my-box"),
        (["--here", "--python", "python3"], "--here and --python exclude each other"),
        (["--here", "--python", ""], "--here and --python exclude each other"),
        (["transfer", "--from", "PyTorch"], "transfer needs --from and --to, or --all"),
        (["pins", "moon"], "unknown environment 'moon': there are runner, "),
        (["site", "--output", "support"], "support has other files in it"),
    ],
)
def test_bad_input_gets_one_clear_line_and_status_2(arguments, answer):
    done = run_all(*arguments, PATH=os.path.dirname(sys.executable))
    assert done.returncode == 2
    assert answer in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_a_site_that_cannot_be_written_is_told_in_a_line():
    done = run_all("site", "--output", "/dev/null/site")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the site cannot be written: /dev/null/site" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--list"]], ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_error(arguments):
    command = [sys.executable, str(ROOT / "run_all.py"), *arguments]
    variables = {**os.environ, "PYTHONUNBUFFERED": ""}  # what is written last fails
    listing = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    listing.stdout.close()
    assert listing.stderr.read() == b""
    assert listing.wait() == 0


# Only looking


def test_list_has_a_line_for_every_framework_and_a_column_for_every_model(tmp_path):
    done = run_all("--list", "--gpu", "none", ROSETTA_RESULTS=str(tmp_path))
    head, *lines = map(cells, done.stdout.splitlines())
    assert head == ["-f", "CNN", "RNN", "Inference", "environment"]
    known = registry.frameworks()
    assert [line[0] for line in lines] == list(known)
    for key, *states, _ in (line[:5] for line in lines):
        models = [m for m, state in zip(head[1:4], states) if state != "-"]
        assert models == [m for m in head[1:4] if m in known[key].models]
        assert set(states) <= {"ready", "blocked", "-"}
    assert not list(tmp_path.iterdir()), "looking changes nothing"


def test_options_alone_are_options_of_run(tmp_path):
    options = ("--list", "--quick", "--gpu", "none", "-e", "torch")
    where = {"ROSETTA_RESULTS": str(tmp_path)}
    alone, named = run_all(*options, **where), run_all("run", *options, **where)
    assert alone.stdout == named.stdout and alone.stdout.startswith("-f ")


def test_log_handlers_of_others_are_left_as_they_are(caplog):
    """Else what one caller logged is never shown to the next, in tests above all."""
    before = [list(handler.filters) for handler in logging.getLogger().handlers]
    assert before and cli.main(["pins", "nonsense"]) == 2
    after = [list(handler.filters) for handler in logging.getLogger().handlers]
    assert after == before


def test_list_says_how_things_stand_and_what_would_be_made(checkout):
    names = ("-f", "Good", "NoPython", "Reads", "-m", "RNN", "CNN")
    done = checkout.run("--quick", *names, "--list")
    assert [cells(line) for line in done.stdout.splitlines()] == [
        ["-f", "CNN", "RNN", "environment"],
        ["Good", "blocked", "done", "toy", "there is no notebook Good_CNN.ipynb"],
        [
            *("NoPython", "blocked", "ready", "future, to be made"),
            "there is no notebook NoPython_CNN.ipynb",
        ],
        ["Reads", "blocked", "ready", "toy", "there is no notebook Reads_CNN.ipynb"],
    ]


def test_frameworks_and_models_may_be_named_as_the_tables_name_them(tmp_path):
    names = ("-f", "Keras (TensorFlow)", "jax", "-m", "gru")
    done = run_all(*names, "--list", "--gpu", "none", ROSETTA_RESULTS=str(tmp_path))
    head, *lines = map(cells, done.stdout.splitlines())
    assert head[:2] == ["-f", "RNN"]
    assert [line[0] for line in lines] == ["JAX", "Keras"]


def test_repeats_take_turns(tmp_path):
    options = ("--repeats", "2", "--quick", "--dry-run", "--gpu", "none")
    names = ("-f", "pytorch", "cntk", "-m", "cnn")
    done = run_all(*options, *names, ROSETTA_RESULTS=str(tmp_path))
    lines = done.stdout.splitlines()
    assert [cells(line)[0] for line in lines] == ["PyTorch CNN", "CNTK CNN"] * 2


# What is selected


def planned(*arguments):
    """The frameworks of which something would run."""
    plan = run_all(
        "run", "--quick", "--force", "--dry-run", "--gpu", "none", *arguments
    )
    return {line.split()[0] for line in plan.stdout.splitlines()}


def test_the_living_are_selected_unless_names_or_an_option_reach_further():
    every = registry.frameworks()
    living = {key for key, one in every.items() if one.state == "living"}
    assert planned() == living < set(every)
    assert planned("--archived") == planned("-f", "All") == set(every)
    assert planned("-f", "chainer") == planned("-e", "chainer") == {"Chainer"}
    matrix = run_all("--list", "--gpu", "none").stdout.splitlines()[1:]
    assert {line.split()[0] for line in matrix} == set(every)
