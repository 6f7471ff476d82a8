"""What disturbs a run is noticed, on the processors and on the GPU, and without NVML nothing breaks."""

import os
import subprocess
import sys
import types

import pytest

from support import load, records
from support.devices import Device

GPU = Device("gpu", "Toy GPU", "GPU-toy")
OTHER = 999_999_999


@pytest.fixture
def nvml(monkeypatch):
    """A stand-in for NVML, whose answers tests set."""
    module = types.ModuleType("pynvml")
    module.NVMLError = type("NVMLError", (Exception,), {})
    module.pids, module.bits = [], 0

    def processes(_):
        return [types.SimpleNamespace(pid=pid) for pid in module.pids]

    module.nvmlInit = lambda: None
    module.nvmlDeviceGetHandleByUUID = lambda uuid: uuid
    module.nvmlDeviceGetComputeRunningProcesses = processes
    module.nvmlDeviceGetCurrentClocksThrottleReasons = lambda _: module.bits
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return module


def watched(nvml, before=(), during=(), bits=()):
    """The disturbances of a run: pids on the GPU before and during it, clock reasons per sample."""
    nvml.pids = list(before)
    monitor = load.LoadMonitor(os.getpid(), GPU)
    nvml.pids = list(during)
    for sample in bits or [0]:
        nvml.bits = sample
        monitor.sample()
    summary = monitor.summary()
    return [text for text in summary["disturbed"] if "GPU" in text], summary["gpu"]


def test_our_own_process_on_the_gpu_disturbs_nothing(nvml):
    assert watched(nvml, during=[os.getpid()])[0] == []


def test_another_process_on_the_gpu_does(nvml):
    said, gpu = watched(nvml, during=[os.getpid(), OTHER])
    assert said == ["other processes used the GPU meanwhile (1)"]
    assert gpu["others"] == 1


def test_pids_of_a_host_are_others_only_if_they_were_there_before(nvml):
    assert watched(nvml, during=[OTHER])[0] == [], "it may be our own"
    assert watched(nvml, before=[OTHER], during=[OTHER, OTHER - 1])[1]["others"] == 1


def test_a_throttled_clock_is_noticed_and_a_power_cap_is_usual(nvml):
    said, _ = watched(nvml, bits=[0x40, 0x40, 0, 0])
    assert said == ["the GPU's clock was throttled 50% of the time (heat, by hardware)"]
    assert watched(nvml, bits=[0x04, 0x01])[0] == []


def test_what_a_gpu_does_not_tell_is_no_disturbance(nvml):
    def unsupported(_):
        raise nvml.NVMLError("not supported")

    nvml.nvmlDeviceGetComputeRunningProcesses = unsupported
    nvml.nvmlDeviceGetCurrentClocksThrottleReasons = unsupported
    assert watched(nvml)[0] == []


@pytest.mark.parametrize("broken", ["absent", "without a driver"])
def test_without_nvml_the_gpu_s_load_is_unknown(nvml, monkeypatch, broken):
    if broken == "absent":
        monkeypatch.setitem(sys.modules, "pynvml", None)
    else:
        monkeypatch.setattr(
            nvml, "nvmlInit", lambda: (_ for _ in ()).throw(nvml.NVMLError)
        )
    said, gpu = watched(nvml, during=[OTHER], bits=[0x40])
    assert said == [] and gpu is None


def test_on_the_cpu_nobody_asks_for_a_gpu(nvml):
    monitor = load.LoadMonitor(os.getpid(), Device("cpu", "Toy CPU"))
    monitor.sample()
    assert set(monitor.summary()) == {"others", "stolen", "own", "disturbed"}


def test_children_that_have_ended_were_no_others(tmp_path):
    """Compilers, for instance: none lives long enough to be seen alive."""
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{parent}\nprint()\nsys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    monitor = load.LoadMonitor(process.pid, Device("cpu", "Toy CPU"))
    own = monitor._own()
    process.stdout.readline()  # the child has ended
    assert monitor._own() - own > 0.29
    process.communicate()


@pytest.mark.parametrize("name, words", [("others", "11%"), ("stolen", "11%")])
def test_a_tenth_of_the_processors_disturbs(name, words):
    quiet = {"others": 0.0, "stolen": 0.0}
    assert load.disturbances({**quiet, name: 0.1}) == []
    [said] = load.disturbances({**quiet, name: 0.11})
    assert words in said


def test_old_records_are_judged_by_their_warnings():
    busy = "other processes used 76% of the processors meanwhile"
    assert records.disturbances({"load": {"others": 0.76}, "warnings": [busy]}) == [
        busy
    ]
    assert records.disturbances({"load": {}, "warnings": []}) == []
    assert records.disturbances({}) == [], "the article's figures have neither"
    assert records.disturbances({"load": {"disturbed": []}, "warnings": ["x"]}) == []
