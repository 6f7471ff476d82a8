"""The device that a run gets: chosen among those that the user leaves, and for one run at a time."""

import os
import pwd
import subprocess
import sys
import threading

import pytest

from support.basics import locks
from support.basics.errors import UsageError
from support.basics.paths import ROOT
from support.devices.choose import Device, choose, every, reserved, slug

SHARED_FOLDER = locks.shared_folder
P100 = "0, GPU-aaa1, Tesla P100-PCIE-16GB, 535.1, 16280"
H200 = "1, GPU-bbb1, NVIDIA H200, 580.2, 143771"
TWIN = "2, GPU-bbb2, NVIDIA H200, 580.2, 143771"
A100 = "3, GPU-ccc1, NVIDIA A100-SXM4-40GB, 550.9, 40960"
PARTS = """\
GPU 0: Tesla P100-PCIE-16GB (UUID: GPU-aaa1)
GPU 3: NVIDIA A100-SXM4-40GB (UUID: GPU-ccc1)
  MIG 3g.20gb     Device  0: (UUID: MIG-d1)
  MIG 1g.5gb+me   Device  1: (UUID: MIG-d2)
"""
OLD_PARTS = """\
GPU 3: A100-SXM4-40GB (UUID: GPU-ccc1)
  MIG 1g.5gb Device 0: (UUID: MIG-GPU-ccc1/7/0)
"""


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put an nvidia-smi on the PATH that lists these GPUs and, for -L, prints this text."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def install(*rows, parts="", then="exit 0"):
        tool = tmp_path / "nvidia-smi"
        lines = "\n".join(rows)
        tool.write_text(
            f"#!/bin/sh\nif [ \"$1\" = -L ]; then cat <<'E'\n{parts}E\nelse cat <<'E'\n{lines}\nE\n"
            f"fi\n{then}\n"
        )
        tool.chmod(0o755)

    return install


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """No locks, GPUs and settings but a test's own; returns the folder of its locks."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(locks, "shared_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def said():
    """What was said, a list of lines; `said.append` says it."""
    return []


def refused(asked):
    """The message, of one line, with which it is refused."""
    with pytest.raises(UsageError) as error:
        choose(asked, print)
    assert "\n" not in str(error.value)
    return str(error.value)


def uuids():
    return [gpu.uuid for gpu in every(print)]


# Choosing


def test_without_a_name_the_first_gpu_is_taken(nvidia_smi, said):
    nvidia_smi(P100, H200)
    chosen = choose(None, said.append)
    assert (chosen.kind, chosen.name) == ("gpu", "Tesla P100-PCIE-16GB")
    assert (chosen.memory_mib, chosen.driver) == (16280, "535.1")
    assert chosen.variables == {"CUDA_VISIBLE_DEVICES": "GPU-aaa1"}
    assert said == []


def test_without_a_gpu_the_cpu_is_taken(folder, monkeypatch, said):
    monkeypatch.setenv("PATH", str(folder))
    chosen = choose(None, said.append)
    assert (chosen.kind, chosen.uuid) == ("cpu", "")
    assert chosen.variables == {"CUDA_VISIBLE_DEVICES": ""}
    assert said == [] and every(said.append) == []


def test_none_is_the_cpu_and_asks_nothing(nvidia_smi, said):
    nvidia_smi(P100, then="echo asked; exit 1")
    assert choose("none", said.append).kind == "cpu"
    assert said == []


@pytest.mark.parametrize(
    "asked, uuid",
    [
        ("h200", "GPU-bbb1"),
        ("P100-pcie", "GPU-aaa1"),
        ("0", "GPU-aaa1"),
        ("1", "GPU-bbb1"),
        ("GPU-bbb1", "GPU-bbb1"),
        ("gpu-a", "GPU-aaa1"),
    ],
)
def test_a_gpu_is_named_by_a_part_of_its_name_its_index_or_its_uuid(
    nvidia_smi, said, asked, uuid
):
    nvidia_smi(P100, H200)
    assert choose(asked, said.append).uuid == uuid
    assert said == []


def test_a_digit_is_an_index_and_no_part_of_a_name(nvidia_smi):
    nvidia_smi(P100, A100)
    assert choose("3", print).uuid == "GPU-ccc1"
    assert "--gpu 1: no such GPU" in refused("1")


def test_a_gpu_that_is_not_there_is_answered_with_those_that_are(nvidia_smi):
    nvidia_smi(P100, H200)
    assert refused("V100") == (
        "--gpu V100: no such GPU; this machine has Tesla P100-PCIE-16GB (0), NVIDIA H200 (1)"
    )


def test_where_several_fit_it_is_said_and_the_first_free_one_is_taken(
    nvidia_smi, folder, said
):
    nvidia_smi(P100, H200, TWIN)
    assert choose("H200", said.append).uuid == "GPU-bbb1"
    [line] = said
    assert "NVIDIA H200 (1), NVIDIA H200 (2)" in line and "GPU-bbb1" in line
    with reserved(Device("gpu", "NVIDIA H200", "GPU-bbb1"), print):
        assert choose("H200", said.append).uuid == "GPU-bbb2"
        assert choose(None, print).uuid == "GPU-aaa1"
        with reserved(Device("gpu", "NVIDIA H200", "GPU-bbb2"), print):
            assert choose("H200", print).uuid == "GPU-bbb1", "to wait for it"
    assert choose("H200", print).uuid == "GPU-bbb1"


def test_a_gpu_that_shares_the_host_s_memory_has_none_of_its_own(nvidia_smi):
    nvidia_smi("0, GPU-eee1, NVIDIA GB10, 580.95, [N/A]")
    assert choose(None, print).memory_mib is None


def test_a_name_for_files_has_no_other_characters():
    name = "Intel(R) Xeon(R) CPU @ 2.20GHz (2 cores)"
    assert (
        slug(name) == Device("cpu", name).slug == "intel-r-xeon-r-cpu-2-20ghz-2-cores"
    )


# nvidia-smi fails


MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"
PROBLEM = f"nvidia-smi failed (exit status 18): {MISMATCH}"


def test_an_nvidia_smi_that_fails_never_means_no_gpu_in_silence(nvidia_smi, said):
    nvidia_smi(MISMATCH, then="exit 18")
    assert choose(None, said.append).kind == "cpu"
    assert said == [PROBLEM]
    assert every(said.append) == [] and said == 2 * [PROBLEM]
    assert refused("V100").endswith(f"this machine has none; {PROBLEM}")


@pytest.mark.parametrize("asked", [None, "0", "P100"])
def test_gpus_that_it_did_list_are_used(nvidia_smi, said, asked):
    lost = "Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost"
    nvidia_smi(P100, lost, then="exit 15")
    assert choose(asked, said.append).uuid == "GPU-aaa1"
    assert said == [f"nvidia-smi failed (exit status 15): {lost}"]


# CUDA_VISIBLE_DEVICES


@pytest.mark.parametrize(
    "visible, left",
    [
        ("1", "bbb1"),
        ("2,0", "bbb2 aaa1"),
        (" 2 , 0 ", "bbb2 aaa1"),
        ("GPU-bbb2", "bbb2"),
        ("GPU-aaa1,1", "aaa1 bbb1"),
        ("GPU-a", "aaa1"),  # the beginning of one uuid
        ("GPU-bbb", ""),  # of two
        ("", ""),
        ("-1", ""),
        ("NoDevFiles", ""),
        ("0,7,1", "aaa1"),
        ("0,-1,1", "aaa1"),
        ("1,GPU-fff,0", "bbb1"),
        ("0,,1", "aaa1"),
        ("1,1", "bbb1"),
    ],
)
def test_only_what_cuda_visible_devices_leaves_is_offered(
    nvidia_smi, monkeypatch, visible, left
):
    nvidia_smi(P100, H200, TWIN)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert uuids() == [f"GPU-{end}" for end in left.split()]
    assert choose(None, print).uuid == (uuids() or [""])[0]


def test_a_gpu_that_the_user_has_hidden_cannot_be_named(nvidia_smi, monkeypatch):
    nvidia_smi(P100, H200)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    for asked in ("P100", "0", "GPU-aaa1"):
        assert "CUDA_VISIBLE_DEVICES leaves NVIDIA H200 (1)" in refused(asked)
    assert choose("1", print).name == "NVIDIA H200", "an index is nvidia-smi's"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES leaves none" in refused("H200")


# MIG


def test_instances_stand_in_place_of_a_divided_gpu(nvidia_smi):
    nvidia_smi(P100, A100, parts=PARTS)
    whole, half, seventh = every(print)
    assert whole.uuid == "GPU-aaa1"
    assert half.name == "NVIDIA A100-SXM4-40GB MIG 3g.20gb"
    assert (half.uuid, half.driver, half.memory_mib) == ("MIG-d1", "550.9", None)
    assert seventh.name == "NVIDIA A100-SXM4-40GB MIG 1g.5gb+me"
    assert choose("1g.5gb", print).variables == {"CUDA_VISIBLE_DEVICES": "MIG-d2"}
    assert choose("mig-d1", print) == half
    with reserved(half, print):
        assert choose("3", print) == seventh


def test_instances_are_named_as_older_drivers_name_them(nvidia_smi):
    nvidia_smi(A100, parts=OLD_PARTS)
    [part] = every(print)
    assert part.uuid == "MIG-GPU-ccc1/7/0"
    with reserved(part, print):
        assert choose(None, print) == part


@pytest.mark.parametrize(
    "visible, left",
    [
        ("MIG-d2", ["MIG-d2"]),
        ("MIG-d2,0", ["MIG-d2", "GPU-aaa1"]),
        ("MIG-d", []),
        ("3", ["MIG-d1", "MIG-d2"]),
        ("GPU-ccc", ["MIG-d1", "MIG-d2"]),
    ],
)
def test_cuda_visible_devices_may_name_instances(
    nvidia_smi, monkeypatch, visible, left
):
    nvidia_smi(P100, A100, parts=PARTS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert uuids() == left


# Reserving


def test_a_second_run_waits_for_the_device_and_says_for_whom(folder, said):
    device, waiting = Device("gpu", "NVIDIA H200", "GPU-bbb1"), threading.Event()

    def say(line):
        said.append(line)
        waiting.set()

    def second_run():
        with reserved(device, say):
            said.append("second run")

    thread = threading.Thread(target=second_run)
    with reserved(device, print):
        thread.start()
        assert waiting.wait(10)
        said.append("first run ends")
    thread.join(10)
    assert said[1:] == ["first run ends", "second run"]
    assert "NVIDIA H200" in said[0] and f"process {os.getpid()}" in said[0]


def test_two_devices_do_not_wait_for_each_other(said):
    with (
        reserved(Device("cpu", "Toy CPU"), said.append),
        reserved(Device("gpu", "NVIDIA H200", "GPU-bbb1"), said.append),
    ):
        assert said == []


def test_a_killed_run_s_device_is_free(folder, nvidia_smi, monkeypatch):
    nvidia_smi(P100, H200)
    code = (
        "import sys; from pathlib import Path; from support.basics import locks\n"
        "from support.devices.choose import Device, reserved\n"
        f"locks.shared_folder = lambda: Path({str(folder)!r})\n"
        "with reserved(Device('gpu', 'P100', 'GPU-aaa1'), print):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    assert choose(None, print).uuid == "GPU-bbb1"
    process.kill()
    process.communicate()
    assert choose(None, print).uuid == "GPU-aaa1"


def test_a_user_without_a_name_or_a_home_can_run(monkeypatch, said, nvidia_smi):
    def unknown(_):
        raise KeyError("uid not found")

    monkeypatch.setattr(locks, "shared_folder", SHARED_FOLDER)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "USER", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    nvidia_smi(P100)
    with reserved(choose(None, said.append), said.append):
        assert said == []


def test_without_a_folder_for_locks_the_run_goes_on_and_says_so(monkeypatch, said):
    def refuse():
        raise OSError("/tmp/rosetta-locks-0 belongs to somebody else")

    monkeypatch.setattr(locks, "shared_folder", refuse)
    with reserved(Device("cpu", "Toy CPU"), said.append):
        [line] = said
    assert "Toy CPU" in line and "belongs to somebody else" in line
