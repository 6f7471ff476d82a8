"""What disturbs a run is noticed, and its memory and energy are measured; without NVML nothing breaks."""

import os
import subprocess
import sys
import types

import pytest

from support.devices import energy, load
from support.devices.choose import Device
from support.devices.tree import processor_seconds, tree
from support.records import schema, store

CPU = Device("cpu", "Toy CPU")
GPU = Device("gpu", "Toy GPU", "GPU-toy")
OWN, OTHER = os.getpid(), 999_999_999
MIB = 1 << 20


@pytest.fixture
def nvml(monkeypatch):
    """A stand-in for NVML, whose answers tests set; `memory` is bytes by pid."""
    module = types.ModuleType("pynvml")
    module.NVMLError = type("NVMLError", (Exception,), {})
    module.memory, module.used, module.bits, module.joules = {}, 0, 0, 0

    def processes(_):
        every = module.memory.items()
        return [types.SimpleNamespace(pid=p, usedGpuMemory=m) for p, m in every]

    module.nvmlInit = lambda: None
    module.nvmlDeviceGetHandleByUUID = lambda uuid: uuid
    module.nvmlDeviceGetComputeRunningProcesses = processes
    module.nvmlDeviceGetMemoryInfo = lambda _: types.SimpleNamespace(used=module.used)
    module.nvmlDeviceGetCurrentClocksThrottleReasons = lambda _: module.bits
    module.nvmlDeviceGetTotalEnergyConsumption = lambda _: 1000 * module.joules
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return module


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when told: `clock.now += 1`."""
    fake = types.SimpleNamespace(now=1000.0)
    fake.time = lambda: fake.now
    monkeypatch.setattr(load, "time", fake)
    return fake


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    """Write the counters of two processors and of what else RAPL tells, in microjoules."""
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)

    def write(first, second):
        zones = {
            "intel-rapl:0": ("package-0", first),
            "intel-rapl:0:0": ("core", first * 7),
            "intel-rapl:1": ("package-1", second),
            "intel-rapl:2": ("psys", first * 9),
            "intel-rapl-mmio:0": ("package-0", first),
        }
        for zone, (name, counter) in zones.items():
            (tmp_path / zone).mkdir(exist_ok=True)
            (tmp_path / zone / "name").write_text(f"{name}\n")
            (tmp_path / zone / "energy_uj").write_text(f"{counter}\n")
            (tmp_path / zone / "max_energy_range_uj").write_text("1000000000\n")

    return write


def watched(nvml, before=(), during=(), bits=()):
    """The disturbances of a run: pids on the GPU before and during it, clock reasons per sample."""
    nvml.memory = dict.fromkeys(before)
    monitor = load.LoadMonitor(OWN, GPU)
    nvml.memory = dict.fromkeys(during)
    for sample in bits or [0]:
        nvml.bits = sample
        monitor.sample()
    summary = monitor.summary()
    return [text for text in summary["disturbed"] if "GPU" in text], summary["gpu"]


def unsupported(nvml, *functions):
    def fail(_):
        raise nvml.NVMLError("not supported")

    for function in functions:
        setattr(nvml, f"nvmlDeviceGet{function}", fail)


# Load


def test_our_own_process_on_the_gpu_disturbs_nothing(nvml):
    assert watched(nvml, during=[OWN])[0] == []


def test_another_process_on_the_gpu_does(nvml):
    said, gpu = watched(nvml, during=[OWN, OTHER])
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
    unsupported(nvml, "ComputeRunningProcesses", "CurrentClocksThrottleReasons")
    assert watched(nvml)[0] == []


@pytest.mark.parametrize("broken", ["absent", "without a driver"])
def test_without_nvml_the_gpu_is_unknown(nvml, clock, monkeypatch, broken):
    if broken == "absent":
        monkeypatch.setitem(sys.modules, "pynvml", None)
    else:
        monkeypatch.setattr(
            nvml, "nvmlInit", lambda: (_ for _ in ()).throw(nvml.NVMLError)
        )
    said, gpu = watched(nvml, during=[OTHER], bits=[0x40])
    assert said == [] and gpu is None
    assert used_by_the_gpu(nvml, clock) == (None, None)


def test_on_the_cpu_nobody_asks_for_a_gpu(nvml):
    nvml.nvmlInit = None
    monitor = load.LoadMonitor(OWN, CPU)
    monitor.sample()
    assert set(monitor.summary()) == {"others", "stolen", "own", "disturbed"}
    resources = monitor.resources(0.0, 1.0)
    assert resources["peak_gpu_memory_mib"] is resources["energy_joules"]["gpu"] is None


def test_children_that_have_ended_were_no_others():
    """Compilers, for instance: none lives long enough to be seen alive."""
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{parent}\nprint()\nsys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    own = processor_seconds(tree(process.pid).values())
    process.stdout.readline()  # the child has ended
    assert processor_seconds(tree(process.pid).values()) - own > 0.29
    process.communicate()


@pytest.mark.parametrize("name, words", [("others", "11%"), ("stolen", "11%")])
def test_a_tenth_of_the_processors_disturbs(name, words):
    quiet = {"others": 0.0, "stolen": 0.0}
    assert load.disturbances({**quiet, name: 0.1}) == []
    [said] = load.disturbances({**quiet, name: 0.11})
    assert words in said


def test_old_records_are_judged_by_their_warnings():
    def judged(**fields):
        old = {"framework": "Toy", "status": "ok", **fields}
        return store.disturbances(schema.upgrade(old, "Toy_RNN_run-1"))

    busy = "other processes used 76% of the processors meanwhile"
    assert judged(load={"others": 0.76}, warnings=[busy]) == [busy]
    assert judged(load={}, warnings=[]) == []
    assert judged(load={"disturbed": []}, warnings=["x"]) == []
    assert store.disturbances({}) == [], "the article's figures have neither"


# Memory


def test_the_memory_is_that_of_the_whole_tree_at_its_peak():
    child = "x = b'x' * (100 << 20); print('large', flush=True); input()"
    parent = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    )
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"input()\n{parent}\nprint('small', flush=True)\ninput()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    monitor, seen = load.LoadMonitor(process.pid, CPU), []
    for state in ("large", "small", ""):
        monitor.sample()
        seen.append(monitor.resources(0.0, 1.0)["peak_memory_mib"])
        process.stdin.write("\n")
        assert process.stdout.readline().strip() == state
    process.communicate()
    before, peak, after = seen
    assert 0 < before < 100 < peak < 200
    assert after == peak, "what was freed was needed all the same"


@pytest.mark.parametrize(
    "memory, peak",
    [
        ({OWN: 700 * MIB, OTHER: 100 * MIB}, 700.0),
        ({OTHER: 100 * MIB}, 900.0),  # a container is told pids of the host
        ({}, 900.0),
        ({OWN: None}, 900.0),
    ],
)
def test_gpu_memory_is_the_tree_s_own_or_what_was_used_beyond_before(
    nvml, memory, peak
):
    nvml.used = 200 * MIB
    monitor = load.LoadMonitor(OWN, GPU)
    for scale in (1, 2, 1):
        nvml.memory = {p: m and m * scale // 2 for p, m in memory.items()}
        nvml.used = 200 * MIB + 450 * MIB * scale
        monitor.sample()
    assert monitor.resources(0.0, 1.0)["peak_gpu_memory_mib"] == peak


def test_gpu_memory_that_nvml_does_not_tell_is_unknown(nvml):
    unsupported(nvml, "MemoryInfo")
    monitor = load.LoadMonitor(OWN, GPU)
    nvml.memory = {OWN: None}
    monitor.sample()
    assert monitor.resources(0.0, 1.0)["peak_gpu_memory_mib"] is None


# Energy


def used_by_the_gpu(nvml, clock, since=1001.5, until=1003.5):
    """(memory, energy) of that interval of a run with a sample a second, of 1000 … 1004."""
    nvml.joules = 5000
    monitor = load.LoadMonitor(OWN, GPU)
    for joules in (100, 300, 600, 1000):
        clock.now += 1
        nvml.joules = 5000 + joules
        monitor.sample()
    resources = monitor.resources(since, until)
    return resources["peak_gpu_memory_mib"], resources["energy_joules"]["gpu"]


@pytest.mark.parametrize(
    "since, until, joules",
    [
        (1001.5, 1003.5, 600.0),
        (1001.0, 1002.0, 200.0),
        (1000.0, 1004.0, 1000.0),
        (1001.1, 1001.9, None),  # no sample lies within
        (1001.1, 1002.9, None),  # one does
        (999.9, 1003.0, None),
        (1001.0, 1004.1, None),
    ],
)
def test_the_gpu_s_energy_is_that_of_the_clock_s_interval(
    nvml, clock, since, until, joules
):
    assert used_by_the_gpu(nvml, clock, since, until)[1] == joules


def test_energy_that_a_gpu_does_not_tell_is_unknown(nvml, clock):
    unsupported(nvml, "TotalEnergyConsumption")
    assert used_by_the_gpu(nvml, clock)[1] is None


def test_a_counter_that_stands_still_tells_nothing(nvml, clock):
    nvml.nvmlDeviceGetTotalEnergyConsumption = lambda _: 0
    assert used_by_the_gpu(nvml, clock)[1] is None


def used_by_the_cpu(powercap, clock, *readings):
    """The joules of a run with a sample a second, of its two processors' counters."""
    powercap(*readings[0])
    monitor = load.LoadMonitor(OWN, CPU)
    for counters in readings[1:]:
        clock.now += 1
        powercap(*counters)
        monitor.sample()
    return monitor.resources(1000.0, clock.now)["energy_joules"]["cpu"]


def test_the_processors_energy_is_that_of_all_packages(powercap, clock):
    readings = (10_000_000, 0), (60_000_000, 7_000_000), (110_000_000, 20_000_000)
    assert used_by_the_cpu(powercap, clock, *readings) == 120.0


def test_a_counter_begins_anew_after_its_largest_number(powercap, clock):
    readings = (990_000_000, 5_000_000), (10_000_000, 6_000_000)
    assert used_by_the_cpu(powercap, clock, *readings) == 21.0


def test_energy_that_only_root_may_read_is_unknown(powercap, clock, tmp_path):
    powercap(0, 0)
    for zone in tmp_path.glob("intel-rapl*"):
        (zone / "energy_uj").unlink()
        (zone / "energy_uj").mkdir()  # root may read every file, but no folder
    monitor = load.LoadMonitor(OWN, CPU)
    for _ in range(3):
        clock.now += 1
        monitor.sample()
    assert monitor.resources(1000.0, 1003.0)["energy_joules"]["cpu"] is None


def test_without_rapl_the_processors_energy_is_unknown(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "absent")
    monitor = load.LoadMonitor(OWN, CPU)
    for _ in range(3):
        clock.now += 1
        monitor.sample()
    assert monitor.resources(1000.0, 1003.0)["energy_joules"]["cpu"] is None
