"""What is printed by a process whose standard output, locale or user is not what one expects."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from common.files import DataError, write_json
from common.output import echo, one_line, printable

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEXT = "Größe 3×3 \udcff"


def stream(encoding):
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


@pytest.mark.parametrize(
    "encoding, shown",
    [
        ("ascii", "Gr\\xf6\\xdfe 3\\xd73 \\udcff"),
        ("latin-1", "Größe 3×3 \\udcff"),
        ("utf-8", "Größe 3×3 \\udcff"),
    ],
)
def test_what_a_stream_cannot_show_is_escaped(encoding, shown):
    to = stream(encoding)
    echo(TEXT, to)
    assert to.buffer.getvalue().decode(encoding) == shown + "\n"


def test_a_stream_without_an_encoding_shows_all_that_is_text():
    assert printable(TEXT, io.StringIO()) == "Größe 3×3 \\udcff"


def test_an_error_can_be_printed_where_only_ascii_is_known(monkeypatch):
    monkeypatch.setattr(sys, "stdout", stream("ascii"))
    print("without data: {}".format(DataError("no data in Größe")))


@pytest.mark.parametrize("device", [os.devnull, "/dev/full"])
def test_a_closed_or_full_stream_is_no_error(device):
    to = open(device, "w")
    if device == os.devnull:
        to.close()
    echo("text", to)


@pytest.mark.parametrize(
    "text, line",
    [
        ("two\nlines\tof  text", "two lines of text"),
        ("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ("Größe", "Größe"),
        ("x" * 5000, "x" * 300),
    ],
)
def test_what_others_say_becomes_one_line(text, line):
    assert one_line(text) == line


def test_what_is_no_text_can_be_recorded(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"folder": TEXT})
    assert json.loads(path.read_bytes().decode("utf-8")) == {"folder": TEXT}


# Whole processes

RUN = """
import os, sys
sys.path[:0] = {folders!r}
import numpy as np
import common
run = common.Run("Gr\\xf6\\xdfe", "Inference", "quick", "fp32", 64)
run.show_versions("cpu", Framework="1.0 \\xb5", Folder="\\udcff")
run.initial_weights(42)
run.start_clock(128)
run.end_epoch(0.5)
run.report(dict(a=np.ones(2)), [[0.5]], accuracy=0.5)
try:
    common.load_cifar10()
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def run(tmp_path):
    """Run a notebook's steps in a process with these variables alone; return its output."""
    folders = [ROOT, os.path.dirname(os.path.dirname(np.__file__))]

    def go(*before, **variables):
        report = tmp_path / "report.json"
        data = tmp_path / "Größe"
        variables.update(
            ROSETTA_REPORT=str(report), ROSETTA_DATA=str(data), ROSETTA_DOWNLOAD="no"
        )
        command = list(before) + [sys.executable, "-s", "-B", "-c"]
        process = subprocess.Popen(
            command + [RUN.format(folders=folders)],
            env=variables,
            cwd=str(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = process.communicate()
        assert process.returncode == 0, errors.decode("utf-8", "replace")
        record = json.loads(report.read_bytes().decode("utf-8"))
        assert record["framework"] == "Größe" and record["accuracy"] == 0.5
        assert b"accuracy: 50.00%" in output and b"DataError" in output
        return output

    return go


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "utf-8"},
        ASCII,
        dict(ASCII, PYTHONIOENCODING="ascii:strict"),
        {},
    ],
)
def test_a_run_ends_well_whatever_its_output_can_show(run, variables):
    run(PATH=os.environ["PATH"], **variables)


def test_a_record_is_left_by_a_run_of_an_unknown_user_without_a_home(run):
    stranger = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
    try:
        subprocess.check_output(stranger + ["true"], stderr=subprocess.STDOUT)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no user namespaces here")
    output = run(*stranger, PATH=os.environ["PATH"])
    assert b"Framework" in output


def test_a_run_needs_no_path_and_no_home(run):
    run()
