"""Locks wait, or say that there are none; nothing that was started is left behind."""

import errno
import os
import signal
import subprocess
import sys
import time

import filelock
import psutil
import pytest

from support.basics import locks
from support.basics.paths import ROOT
from support.environments import pinned
from support.execution import notebook

HOLD = """
import sys, time
from pathlib import Path
from support.basics import locks
with locks.held(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(path, seconds):
    """A process that holds the lock by now."""
    command = [sys.executable, "-c", HOLD, str(path), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_who_waits_is_told_for_whom_and_since_when(tmp_path):
    path, said = tmp_path / "toy.lock", []
    process = hold(path, 1)
    assert not locks.is_free(path)
    with locks.held(path, said.append, "the toy"):
        assert process.wait(timeout=10) == 0
    [line] = said
    assert f"process {process.pid}, since " in line and "the toy" in line
    assert locks.is_free(path)


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EROFS, errno.EACCES])
def test_without_locks_work_goes_on_and_says_so(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    said = []
    with locks.held(tmp_path / "toy.lock", said.append, "the toy"):
        pass
    assert said == [
        f"No lock for the toy ({os.strerror(error)}): do not start another run."
    ]


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path):
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / "toy.lock").symlink_to(target)
    said = []
    with locks.held(tmp_path / "toy.lock", said.append):
        pass
    assert target.read_text() == "kept"
    assert "No lock" in said[0]


def test_the_folder_of_locks_is_this_user_s_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("ROSETTA_LOCKS", str(tmp_path / "locks"))
    assert locks.shared_folder().stat().st_mode & 0o777 == 0o700
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("ROSETTA_LOCKS", str(tmp_path / "link"))
    with pytest.raises(OSError, match="somebody else"):
        locks.shared_folder()


STEP = """
import signal
from support.cli.main import _interrupt
from support.environments import uv
signal.signal(signal.SIGTERM, _interrupt)
print("started", flush=True)
uv.run_step(["sh", "-c", "sleep 987.6; true"])
"""


def sleepers():
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] == ["sleep", "987.6"]
    ]


def test_a_step_of_making_an_environment_ends_with_the_runner():
    command = [sys.executable, "-c", STEP]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout.readline() == "started\n"
    deadline = time.monotonic() + 20
    while not sleepers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sleepers()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) != 0
    assert not sleepers()


def test_a_kernel_has_as_long_to_start_as_its_notebook_has_to_run(
    tmp_path, monkeypatch
):
    given = {}
    monkeypatch.setattr(
        notebook.papermill,
        "execute_notebook",
        lambda *_, **kwargs: given.update(kwargs),
    )
    monkeypatch.setattr(notebook, "prepared", lambda _: None)
    monkeypatch.setattr(notebook, "fail_for_errors_shown", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    names = ("parameters", "kernel", "language", "assignment", "exchange", "cell")
    order = {
        **dict.fromkeys((*names, "folder"), ""),
        "executed": str(tmp_path / "x"),
        "timeout": 777,
    }
    notebook.run(order)
    assert given["start_timeout"] == 777


SERVER = """
import os, subprocess, sys
from support.basics.processes import end_with
end_with(os.getppid())
print(subprocess.check_output("sleep 60 >/dev/null 2>&1 & echo $!", shell=True, text=True))
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="others do not know adoption")
def test_what_loses_its_parent_belongs_to_the_process_that_the_runner_started():
    command = [sys.executable, "-c", SERVER]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    server = psutil.Process(int(process.stdout.readline()))
    try:
        assert server.ppid() == process.pid
    finally:
        server.kill()
        process.communicate("")


@pytest.mark.parametrize("content", ["[]", "{", "", "\xff"])
def test_a_damaged_stamp_is_no_stamp(tmp_path, content):
    path = tmp_path / "stamp.json"
    path.write_text(content, encoding="latin-1")
    assert pinned._read(path) == {}


@pytest.mark.parametrize("unknown", [True, False])
def test_where_nobody_can_tell_the_caller_decides(tmp_path, monkeypatch, unknown):
    """The folder of a run that may be at work on another host is not removed."""

    def refuse(*_, **__):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    (tmp_path / "toy.lock").touch()
    assert locks.is_free(tmp_path / "toy.lock", unknown) is unknown
