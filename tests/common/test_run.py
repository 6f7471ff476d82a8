import json
import re

import numpy as np
import pytest

from common import Run
from common.params import PARAMETERS

DEVICE = {
    "versions": {"SomeFramework": "1.0"},
    "device": "Tesla P100",
    "device_kind": "gpu",
    "hardware": {"cpu": "µ-processor"},
}
WEIGHTS = {"a.weight": np.ones((1200, 2)), "a.running_mean": np.ones(2)}


@pytest.fixture
def make_record(tmp_path, monkeypatch):
    """Report a run with these settings; return its record."""

    def make(epoch_seconds=(3.0, 1.0), **settings):
        path = tmp_path / "record.json"
        monkeypatch.setenv("ROSETTA_REPORT", str(path))
        report_run(epoch_seconds, **settings)
        return json.loads(path.read_bytes().decode("utf-8"))

    return make


def report_run(
    epoch_seconds=(3.0, 1.0), model="CNN", batchsize=64, examples=130, accuracy=None
):
    run = Run("SomeFramework", model, "quick", "fp32", batchsize)
    run._device, run._weights_source = DEVICE, "seed 42"
    run.start_clock(examples)
    run.stopwatch.epoch_seconds = list(epoch_seconds)
    run.stopwatch.losses = [0.5]
    run.stopwatch.started, run.stopwatch.stopped = 1000.5, 1005.0
    run.report(WEIGHTS, np.ones((5, 2)), accuracy)


def show_versions(device, **versions):
    """What a run that shows these keeps for its record."""
    run = Run("SomeFramework", "CNN", "quick", "fp32", 64)
    run.show_versions(device, **versions)
    return run._device


def test_record_has_every_field(make_record, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    record = make_record(accuracy=0.75)
    assert record.pop("threads")["OMP_NUM_THREADS"] == "4"
    assert record == {
        "framework": "SomeFramework",
        "model": "CNN",
        "status": "ok",
        "reason": "",
        "device": "Tesla P100",
        "device_kind": "gpu",
        "data": "quick",
        "data_digest": "quick-2",
        "epochs": 2,
        "batchsize": 64,
        "precision": "fp32",
        "seconds": 4.0,
        "epoch_seconds": [3.0, 1.0],
        "epoch_losses": [0.5],
        "examples": 128,
        "throughput": 64.0,
        "accuracy": 0.75,
        "parameters": 2400,
        "weights": "seed 42",
        "versions": {"SomeFramework": "1.0"},
        "hardware": {"cpu": "µ-processor"},
        "clock": [1000.5, 1005.0],
    }


@pytest.mark.parametrize("examples, used", [(127, 64), (128, 128), (191, 128)])
def test_throughput_of_training_counts_whole_batches_only(make_record, examples, used):
    record = make_record(epoch_seconds=[2.0, 2.0], examples=examples)
    assert record["throughput"] == used / 2


@pytest.mark.parametrize("passes", [1, 3])
def test_inference_is_told_in_seconds_per_1000_images(make_record, passes):
    record = make_record(
        epoch_seconds=passes * [2.0], model="Inference", examples=500, batchsize=32
    )
    assert record["seconds"] == 4
    assert record["throughput"] == 250  # the last partial batch counts
    assert record["epochs"] is None and record["accuracy"] is None


def test_numbers_of_numpy_are_welcome(make_record):
    assert make_record(accuracy=np.float32(0.5))["accuracy"] == 0.5


def test_a_run_of_no_epochs_has_a_report_too(make_record):
    record = make_record(epoch_seconds=[])
    assert (record["seconds"], record["throughput"], record["epochs"]) == (0, 0, 0)


def test_a_shortened_epoch_counts_what_it_used(make_record, monkeypatch):
    monkeypatch.setenv("ROSETTA_EXAMPLES", "70")
    record = make_record(epoch_seconds=[2.0])
    assert (record["examples"], record["throughput"]) == (64, 32)


def test_without_a_runner_the_result_is_only_printed(tmp_path, capsys):
    report_run(accuracy=0.805)
    printed = capsys.readouterr().out
    for result in ("2,400", "4.00 s", "64 examples/s", "80.50%"):
        assert result in printed
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_every_epoch_is_told_with_its_loss(capsys):
    run = Run("SomeFramework", "CNN", "quick", "fp32", 64)
    run.start_clock(128)
    for loss in (0.5, np.float32(0.25)):
        run.end_epoch(loss)
    assert run.stopwatch.losses == [0.5, 0.25]
    printed = capsys.readouterr().out
    assert re.search(r"^epoch 2: \d+\.\d\d s, loss 0\.250$", printed, re.M)


def test_the_weights_source_reaches_the_record(tmp_path, monkeypatch):
    monkeypatch.setenv("ROSETTA_REPORT", str(tmp_path / "record.json"))
    run = Run("SomeFramework", "CNN", "quick", "fp32", 64)
    weights = run.initial_weights(7)
    run.start_clock(128)
    run.report(weights, [])
    record = json.loads((tmp_path / "record.json").read_text())
    assert (record["weights"], record["parameters"]) == ("seed 7", PARAMETERS["CNN"])


# Versions


GPUS = "0, GPU-aaaa, Tesla P100, 535.1, 16384", "1, GPU-bbbb, H200, 535.1, 143771"


@pytest.mark.parametrize(
    "visible, name",
    [(None, "Tesla P100"), ("0", "Tesla P100"), ("1", "H200"), ("GPU-b", "H200")],
)
def test_the_gpu_is_the_visible_one(nvidia_smi, monkeypatch, visible, name):
    nvidia_smi(*GPUS)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    shown = show_versions("gpu", SomeFramework="1.0")
    assert (shown["device"], shown["device_kind"]) == (name, "gpu")
    assert shown["versions"]["driver"] == "535.1"
    assert len(shown["hardware"]["gpus"]) == 2


def test_a_run_on_the_cpu_names_the_cpu_though_there_is_a_gpu(nvidia_smi):
    nvidia_smi(*GPUS)
    shown = show_versions("cpu", SomeFramework="1.0")
    assert (shown["device"], shown["device_kind"]) == (shown["hardware"]["cpu"], "cpu")
    assert "driver" not in shown["versions"]


@pytest.mark.parametrize(
    "wanted, seen, problem",
    [
        (None, "cpu", None),
        ("", "gpu", None),
        ("cpu", "cpu", None),
        ("gpu", "gpu", None),
        ("gpu", "cpu", "run on the GPU, but SomeFramework 1.0 sees only the CPU"),
        ("gpu", "cuda", None),
        ("cpu", "gpu", "run on the CPU, but SomeFramework 1.0 sees a GPU"),
    ],
)
def test_a_notebook_stops_where_its_framework_sees_another_device(
    nvidia_smi, monkeypatch, wanted, seen, problem
):
    nvidia_smi(*GPUS)
    if wanted is not None:
        monkeypatch.setenv("ROSETTA_DEVICE", wanted)
    if problem is None:
        kind = show_versions(seen, SomeFramework="1.0")["device_kind"]
        assert kind == seen.replace("cuda", "gpu")
        return
    with pytest.raises(RuntimeError) as error:
        show_versions(seen, SomeFramework="1.0", CUDA="12.9")
    assert str(error.value) == "this notebook was to " + problem


def test_versions_keep_their_order_and_leave_out_what_is_not_there(nvidia_smi, capsys):
    shown = show_versions("cpu", SomeFramework="1.0", CUDA=None, oneDNN=3)
    assert list(shown["versions"]) == ["SomeFramework", "oneDNN", "NumPy", "Python"]
    assert shown["versions"]["oneDNN"] == "3"
    assert shown["versions"]["NumPy"] == np.__version__
    printed = capsys.readouterr().out
    assert "SomeFramework" in printed and "CUDA" not in printed
