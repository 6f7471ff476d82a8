"""Whatever goes wrong in a run: it is named in a line, and finished work stays byte for byte."""

import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest

pytestmark = pytest.mark.slow

QUICK = ("--quick", "-m", "RNN")


@pytest.fixture(autouse=True)
def finished_work_stays(checkout):
    """After every test of this file, the run that was finished before it is untouched."""
    before = checkout.files()
    assert len(before) == 2  # a record and an executed notebook
    yield
    after = checkout.files()
    assert {path: after.get(path) for path in before} == before


def test_a_finished_run_is_not_repeated(checkout):
    again = checkout.run(*QUICK, "-f", "Good")
    assert again.returncode == 0
    assert "0 run, 1 unchanged, 0 failed" in again.stdout


def test_a_limit_of_examples_shortens_the_epochs_and_is_recorded_apart(checkout):
    assert checkout.run(*QUICK, "-f", "Good", "--examples", "128").returncode == 0
    path = next((checkout.root / "results").rglob("Good_*_128-examples_*.json"))
    record = json.loads(path.read_text())
    assert (record["examples"], record["examples_limit"]) == (128, 128)


@pytest.mark.parametrize(
    "key, reason",
    [
        ("Raises", "ValueError: the loss is not a number (in cell 'train')"),
        ("Killed", "the kernel died"),
        ("NoPython", "needs Python 3.99"),
    ],
)
def test_a_failure_is_named_recorded_and_stops_nothing(checkout, key, reason):
    run = checkout.run(*QUICK, "-f", key, "Good")
    assert run.returncode == 1
    assert f"failed: {key} RNN: " in run.stderr
    assert reason in run.stderr
    assert reason in checkout.record(key, failed=True)["reason"] + run.stderr
    assert checkout.record(key) is None
    assert checkout.run(*QUICK, "-f", "Good").returncode == 0


def test_the_failing_cell_s_last_lines_are_recorded(checkout):
    checkout.run(*QUICK, "-f", "Raises")
    assert "ValueError" in "".join(checkout.record("Raises", failed=True)["lines"])


def test_a_missing_interpreter_says_what_would_mend_it(checkout):
    assert "pyenv install 3.99" in checkout.run(*QUICK, "-f", "NoPython").stderr


def test_a_hanging_cell_is_ended_at_the_time_out(checkout):
    run = checkout.run(*QUICK, "-f", "Hangs", "--timeout", "12")
    assert run.returncode == 1
    assert "ran longer than 12 s, in cell 'train'" in run.stderr
    assert not processes_of(checkout)


def test_a_failure_that_is_mended_leaves_none_behind(checkout):
    checkout.run(*QUICK, "-f", "Raises")
    good = (checkout.root / "notebooks" / "Good_RNN.ipynb").read_text()
    (checkout.root / "notebooks" / "Raises_RNN.ipynb").write_text(good)
    assert checkout.run(*QUICK, "-f", "Raises").returncode == 0
    assert checkout.record("Raises", failed=True) is None
    assert checkout.record("Raises")["status"] == "ok"


def test_a_model_that_does_not_learn_is_a_failure(checkout):
    good = (checkout.root / "notebooks" / "Good_RNN.ipynb").read_text()
    bad = good.replace("accuracy=0.9", "accuracy=0.5")
    (checkout.root / "notebooks" / "Raises_RNN.ipynb").write_text(bad)
    run = checkout.run(*QUICK, "-f", "Raises")
    assert run.returncode == 1
    assert "did not learn: accuracy 0.500" in run.stderr


def test_a_changed_notebook_is_stale_and_a_failure_keeps_the_old_record(checkout):
    checkout.replace(
        "notebooks/Good_RNN.ipynb", "time.sleep(0.01)", "raise OSError('no')"
    )
    assert "Good RNN  stale" in checkout.run(*QUICK, "-f", "Good", "--dry-run").stdout
    run = checkout.run(*QUICK, "-f", "Good")
    assert run.returncode == 1
    assert checkout.record("Good")["status"] == "ok"
    assert checkout.record("Good", failed=True)["status"] == "failed"


def test_prose_and_comments_make_nothing_stale(checkout):
    checkout.replace("common/batches.py", '"""Mini-batches', '"""Small batches')
    assert not checkout.run(*QUICK, "-f", "Good", "--dry-run").stdout
    checkout.replace("common/batches.py", "RandomState(seed)", "RandomState(seed + 1)")
    assert "Good RNN  stale" in checkout.run(*QUICK, "-f", "Good", "--dry-run").stdout


def test_ctrl_c_ends_kernels_and_the_next_run_goes_on(checkout):
    run = checkout.start(*QUICK, "-f", "Hangs", "Raises")
    wait_for_cell(run, checkout, "train")
    run.send_signal(signal.SIGINT)
    output = run.communicate(timeout=30)[0]
    assert run.returncode == 130
    assert "Finished runs are kept" in output
    assert not processes_of(checkout)
    assert "unchanged" in checkout.run(*QUICK, "-f", "Good").stdout
    assert checkout.record("Hangs", failed=True) is None


def test_a_killed_runner_leaves_no_kernel_and_no_half_record(checkout):
    run = checkout.start(*QUICK, "-f", "Hangs")
    wait_for_cell(run, checkout, "train")
    run.kill()
    run.wait()
    deadline = time.monotonic() + 30
    while processes_of(checkout) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not processes_of(checkout)
    assert len(checkout.files()) == 2
    assert (
        checkout.run(*QUICK, "-f", "Raises").returncode == 1
    )  # the device is free again
    assert not list((checkout.root / ".rosetta" / "runs").iterdir())


def test_a_second_run_on_a_device_waits_and_says_so(checkout):
    first = checkout.start(*QUICK, "-f", "Hangs", "--timeout", "10")
    wait_for_cell(first, checkout, "train")
    second = checkout.run(*QUICK, "-f", "Raises")
    assert f"process {first.pid}" in second.stdout
    assert first.wait(timeout=30) == 1
    assert (
        "the loss is not a number" in checkout.record("Raises", failed=True)["reason"]
    )


def test_a_full_disk_is_named(checkout):
    """A file system of 1 MiB stands in for the disk; needs the right to mount one."""
    results = checkout.root / "results"
    kept = checkout.root / "kept"
    shutil.copytree(results, kept)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(results)],
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    try:
        shutil.copytree(kept, results, dirs_exist_ok=True)
        before = checkout.files()
        with (
            pytest.raises(OSError),
            (results / "ballast").open("wb", buffering=0) as ballast,
        ):
            while True:
                ballast.write(b"\0" * 4096)
        run = checkout.run(*QUICK, "-f", "Reads", "-m", "RNN")
        assert run.returncode == 1
        assert "No space left on device" in run.stderr
        assert checkout.files() == before
    finally:
        subprocess.run(["umount", str(results)], check=True)


@pytest.fixture
def imdb(checkout):
    """A tiny stand-in for IMDB's file, offered by a server on this machine, with its faults."""
    reviews = np.empty(4, object)
    reviews[:] = [[1, 2, 3]] * 4
    labels = np.array([0, 1, 0, 1])
    path = checkout.root / "source.npz"
    arrays = {
        "x_train": reviews,
        "x_test": reviews,
        "y_train": labels,
        "y_test": labels,
    }
    np.savez(path, **arrays)
    content = path.read_bytes()
    faults = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            fault = faults.pop(0) if faults else "none"
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            body = content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            if start:
                there = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", there)
            self.end_headers()
            if fault == "truncated":
                body = body[: len(body) // 2]
            self.wfile.write(bytes(len(body)) if fault == "corrupt" else body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/imdb.npz"
    official = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz"
    checkout.replace("common/sources.py", official, address)
    checksum = hashlib.sha256(content).hexdigest()
    expected = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
    checkout.replace("common/sources.py", expected, checksum)
    yield faults
    server.shutdown()


def test_a_truncated_download_is_continued(checkout, imdb):
    imdb[:] = ["truncated", "truncated"]
    run = checkout.run("-m", "RNN", "-f", "Reads")
    assert run.returncode == 0, run.stdout + run.stderr
    assert checkout.record("Reads")["data"] == "real"


def test_a_corrupt_download_is_refused_before_it_is_read(checkout, imdb):
    imdb[:] = ["corrupt"] * 10
    run = checkout.run("-m", "RNN", "-f", "Reads")
    assert run.returncode == 1
    assert "nothing of it was used" in run.stderr
    assert not list((checkout.root / "data").iterdir())
    assert checkout.run("-m", "RNN", "-f", "Reads").returncode == 1
    imdb.clear()
    assert checkout.run("-m", "RNN", "-f", "Reads").returncode == 0


@pytest.mark.parametrize(
    "options, timed", [(QUICK, False), (("-m", "RNN"), True)], ids=["quick", "timed"]
)
def test_other_load_is_noticed_and_noted(checkout, imdb, options, timed):
    path = checkout.root / "notebooks" / "Raises_RNN.ipynb"
    good = (checkout.root / "notebooks" / "Good_RNN.ipynb").read_text()
    path.write_text(good.replace("time.sleep(0.01)", "time.sleep(1)"))
    burn = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(burn) for _ in range(os.cpu_count())]
    try:
        run = checkout.run(*options, "-f", "Raises")
    finally:
        for burner in burners:
            burner.kill()
    assert run.returncode == 0, run.stderr
    record = checkout.record("Raises")
    assert record["load"]["others"] > 0.5
    assert "other processes used" in record["warnings"][0]
    assert ("other processes used" in run.stdout) == timed, "said where time counts"


def test_every_record_is_whole_and_says_what_it_must(checkout):
    record = checkout.record("Good")
    expected = {
        "framework": "Good",
        "model": "RNN",
        "data": "quick",
        "epochs": 2,
        "status": "ok",
    }
    assert {key: record[key] for key in expected} == expected
    assert record["throughput"] == pytest.approx(384 * 2 / record["seconds"], rel=0.01)
    assert len(record["epoch_seconds"]) == 2
    for name in (
        "versions",
        "hardware",
        "digests",
        "load",
        "date",
        "git_commit",
        "warnings",
    ):
        assert name in record
    for path, content in checkout.files().items():
        json.loads(content)
        assert str(checkout.root).encode() not in content, path


def wait_for_cell(process, checkout, tag):
    """Wait until a notebook of the running process executes the cell with this tag."""
    while not any(
        path.read_text() == tag
        for path in (checkout.root / ".rosetta" / "runs").glob("run-*/*/cell")
    ):
        assert process.poll() is None, f"the run ended before the cell {tag}"
        time.sleep(0.1)


def processes_of(checkout):
    """Living processes of this checkout, kernels included."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(checkout.root) in command and process.pid != os.getpid():
            found.append(command)
    return found
