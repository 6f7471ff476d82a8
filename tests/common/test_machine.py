import json
import os
import sys

import pytest

from common.machine import (
    cores,
    cpu_name,
    cuda_versions,
    describe_machine,
    gpus,
    mkl_cpu_type,
    openblas_core_type,
    query_gpus,
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


MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"
LOST = "2, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]"


@pytest.mark.parametrize(
    "lines, then, listed, problem",
    [
        ([P100, H200], "exit 0", 2, ""),
        (["No devices were found"], "exit 0", 0, "nvidia-smi: No devices were found"),
        (
            [MISMATCH, "NVML library version: 550.54"],
            "exit 18",
            0,
            "nvidia-smi failed (exit status 18): {} NVML library version: 550.54".format(
                MISMATCH
            ),
        ),
        (
            [],
            "echo No permission. >&2; exit 4",
            0,
            "nvidia-smi failed (exit status 4): No permission.",
        ),
        ([P100, H200], "exit 15", 2, "nvidia-smi failed (exit status 15)"),
        ([P100, H200, LOST], "exit 0", 2, "nvidia-smi: " + LOST),
        ([P100], "echo a warning >&2", 1, ""),
    ],
)
def test_what_is_wrong_with_nvidia_smi_is_told_beside_the_gpus_that_it_lists(
    nvidia_smi, lines, then, listed, problem
):
    nvidia_smi(*lines, then=then)
    assert query_gpus() == (gpus(), problem)
    assert [gpu["uuid"] for gpu in gpus()] == ["GPU-aaaa", "GPU-bbbb"][:listed]


def test_an_nvidia_smi_that_hangs_is_not_waited_for(nvidia_smi, monkeypatch):
    monkeypatch.setattr("common.machine.PATIENCE", 0.2)
    nvidia_smi(then="exec {} -c 'import time; time.sleep(60)'".format(sys.executable))
    assert query_gpus() == ([], "nvidia-smi did not answer within 0.2 seconds")


def test_an_nvidia_smi_that_cannot_be_started_is_told(nvidia_smi, tmp_path):
    nvidia_smi()
    (tmp_path / "bin" / "nvidia-smi").write_bytes(b"no program")
    assert query_gpus() == ([], "nvidia-smi cannot be started: Exec format error")


def test_without_nvidia_smi_there_is_no_gpu_and_nothing_is_wrong(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert query_gpus() == ([], "")


def test_a_gpu_that_shares_the_host_s_memory_is_listed(nvidia_smi):
    nvidia_smi("0, GPU-cccc, NVIDIA GB10, 580.95, [N/A]")
    assert gpus()[0]["memory_mib"] == "[N/A]"


def test_thread_settings_are_those_that_are_set(monkeypatch):
    for name in thread_settings():
        monkeypatch.delenv(name)
    assert thread_settings() == {}
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert thread_settings() == {"OMP_NUM_THREADS": "4"}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_cores_are_those_that_the_process_may_use():
    allowed = os.sched_getaffinity(0)
    assert 1 <= cores() <= len(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Write the files of a system where the affinity allows 16 processors; return its cores."""
    everything = set(range(16))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: everything, raising=False)

    def write(groups, **files):
        files["proc/self/cgroup"] = "\n".join(groups) + "\n"
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return cores(str(tmp_path))

    return write


V1, V2 = "4:cpu,cpuacct:/pod/job", "0::/pod/job"


@pytest.mark.parametrize(
    "limits, allowed",
    [
        ({"pod/job": "400000 100000"}, 4),
        ({"pod/job": "max 100000"}, 16),
        ({"pod/job": "max 100000", "pod": "250000 100000"}, 3),
        ({"pod/job": "800000 100000", "pod": "200000 100000"}, 2),
        ({"pod/job": "10000 100000"}, 1),
        ({"pod/job": "3200000 100000"}, 16),
        ({".": "200000 100000"}, 2),  # a container's own view
        ({}, 16),
    ],
)
@pytest.mark.parametrize("mount", ["", "unified/"])
def test_cores_respect_the_quotas_of_control_groups(system, limits, allowed, mount):
    files = {
        "sys/fs/cgroup/{}{}/cpu.max".format(mount, group): content + "\n"
        for group, content in limits.items()
    }
    assert system([V2], **files) == allowed


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize(
    "group, quota, allowed",
    [("pod/job", 150000, 2), ("pod/job", -1, 16), ("pod", 500000, 5), (".", 100000, 1)],
)
def test_cores_respect_the_quotas_of_the_first_version(
    system, mount, group, quota, allowed
):
    folder = "sys/fs/cgroup/{}/{}".format(mount, group)
    files = {
        folder + "/cpu.cfs_quota_us": "{}\n".format(quota),
        folder + "/cpu.cfs_period_us": "100000\n",
    }
    assert system(["5:memory:/pod", V1, "0::/"], **files) == allowed


def test_other_controllers_set_no_quota(system):
    files = {
        "sys/fs/cgroup/cpu/alien/cpu.cfs_" + n: "100000"
        for n in ("quota_us", "period_us")
    }
    assert system(["3:cpuset:/alien", "2:memory:/alien"], **files) == 16


def test_cores_are_those_of_the_affinity_without_control_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5}, raising=False)
    assert cores(str(tmp_path)) == 2


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
    assert cuda_versions() == {"CUDA": "12.9.79", "cuDNN": "9.13.0.50"}


def test_cuda_installed_otherwise_is_found_among_the_loaded_libraries(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "path", [])
    assert cuda_versions(str(tmp_path)) == {}
    maps = tmp_path / "proc" / "self" / "maps"
    maps.parent.mkdir(parents=True)
    lines = ("7f12 r-xp 00000000 08:01 99   /opt/cuda/lib64/" + name for name in LOADED)
    maps.write_text("\n".join(lines))
    assert cuda_versions(str(tmp_path)) == {"CUDA": "12.8.90", "cuDNN": "9.10.2"}


LOADED = ("libcudnn_graph.so.9.10.2", "libcudnn.so.9.10.2", "libcudart.so.12.8.90")


@pytest.mark.parametrize(
    "told, processor, kind",
    [
        (mkl_cpu_type, "AuthenticAMD flags: fma avx2 bmi1 avx512f avx512dq ", "7"),
        (mkl_cpu_type, "AuthenticAMD flags: fma avx2 bmi1 ", "5"),
        (mkl_cpu_type, "GenuineIntel flags: fma avx2 bmi1 avx512f avx512dq ", ""),
        (openblas_core_type, "flags: sse3 ", ""),
        (openblas_core_type, "flags: fma avx avx2 bmi1 ", "Haswell"),
        (openblas_core_type, "flags: fma avx2 avx512f avx512cd ", "Haswell"),
        (
            openblas_core_type,
            "flags: fma avx2 avx512f avx512dq avx512cd avx512bw avx512vl ",
            "SkylakeX",
        ),
    ],
)
def test_an_old_matrix_library_is_told_what_the_processor_has(
    told, processor, kind, tmp_path, monkeypatch
):
    (tmp_path / "cpuinfo").write_text(processor)
    opened = open
    monkeypatch.setattr(
        "builtins.open",
        lambda path, **options: opened(str(tmp_path / "cpuinfo"), **options),
    )
    assert told() == kind


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
        "builtins.open",
        lambda path, **options: opened(str(tmp_path / "cpuinfo"), **options),
    )
    assert cpu_name() == expected
