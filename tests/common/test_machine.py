import json
import os
import sys

import pytest

from common.machine import (
    cores,
    cpu_name,
    cuda_packages,
    describe_machine,
    gpus,
    mkl_cpu_type,
    thread_settings,
)

P100 = "0, GPU-aaaa, Tesla P100-PCIE-16GB, 535.104.05, 16384"
H200 = "1, GPU-bbbb, NVIDIA H200, 570.86.15, 143771"


def test_gpus_are_read_from_nvidia_smi(nvidia_smi):
    nvidia_smi(P100, H200)
    assert gpus() == [
        {
            "index": "0",
            "uuid": "GPU-aaaa",
            "name": "Tesla P100-PCIE-16GB",
            "driver": "535.104.05",
            "memory_mib": "16384",
        },
        {
            "index": "1",
            "uuid": "GPU-bbbb",
            "name": "NVIDIA H200",
            "driver": "570.86.15",
            "memory_mib": "143771",
        },
    ]


@pytest.mark.parametrize(
    "lines, status",
    [
        (["No devices were found"], 0),
        (["NVIDIA-SMI has failed because it could not communicate, a, b, c, d"], 0),
        ([P100], 9),
        ([], 0),
    ],
)
def test_a_driver_that_does_not_answer_means_no_gpus(nvidia_smi, lines, status):
    nvidia_smi(*lines, status=status)
    assert gpus() == []


def test_no_driver_means_no_gpus(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []


def test_thread_settings_are_those_that_are_set(monkeypatch):
    for name in thread_settings():
        monkeypatch.delenv(name)
    assert thread_settings() == {}
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert thread_settings() == {"OMP_NUM_THREADS": "4"}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_cores_are_those_that_the_process_may_use():
    allowed = os.sched_getaffinity(0)
    assert cores() == len(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_description_is_complete_and_fits_into_json(nvidia_smi):
    nvidia_smi(P100)
    machine = json.loads(json.dumps(describe_machine()))
    assert sorted(machine) == ["cores", "cpu", "gpus", "memory_gib", "system"]
    assert machine["cpu"] == cpu_name() != ""
    assert machine["gpus"][0]["name"] == "Tesla P100-PCIE-16GB"
    assert 0.1 < machine["memory_gib"] < 100000


def test_cuda_installed_as_packages_is_found(tmp_path, monkeypatch):
    (tmp_path / "nvidia_cuda_runtime_cu12-12.9.79.dist-info").mkdir()
    (tmp_path / "nvidia_cudnn_cu12-9.13.0.50.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert cuda_packages() == {"CUDA": "12.9.79", "cuDNN": "9.13.0.50"}


@pytest.mark.parametrize(
    "processor, kind",
    [
        ("AuthenticAMD flags: fma avx2 bmi1 avx512f avx512dq ", "7"),
        ("AuthenticAMD flags: fma avx2 bmi1 ", "5"),
        ("GenuineIntel flags: fma avx2 bmi1 avx512f avx512dq ", ""),
    ],
)
def test_old_mkl_is_told_what_another_maker_s_processor_has(
    processor, kind, tmp_path, monkeypatch
):
    (tmp_path / "cpuinfo").write_text(processor)
    opened = open
    monkeypatch.setattr(
        "builtins.open", lambda path, *rest: opened(str(tmp_path / "cpuinfo"), *rest)
    )
    assert mkl_cpu_type() == kind


@pytest.mark.parametrize(
    "name, expected",
    [
        ("AMD EPYC", "AMD EPYC family 26 model 2"),
        ("Intel(R)  Xeon(R) Platinum 8488C", "Intel(R) Xeon(R) Platinum 8488C"),
    ],
)
def test_a_name_that_processors_of_different_speed_share_is_told_apart(
    name, expected, tmp_path, monkeypatch
):
    lines = ["cpu family\t: 26", "model\t\t: 2", "model name\t: " + name, ""]
    (tmp_path / "cpuinfo").write_text("\n".join(2 * lines))
    opened = open
    monkeypatch.setattr(
        "builtins.open", lambda path, *rest: opened(str(tmp_path / "cpuinfo"), *rest)
    )
    assert cpu_name() == expected
