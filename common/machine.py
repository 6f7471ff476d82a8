"""What this process runs on: processor, cores, memory, GPU and driver, thread settings."""

import glob
import os
import platform
import subprocess
import sys

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "KMP_AFFINITY",
)


def describe_machine():
    """A dictionary for the record: hardware as the operating system names it, units in the keys."""
    return {
        "cpu": cpu_name(),
        "cores": cores(),
        "memory_gib": _memory_gib(),
        "gpus": gpus(),
        "system": "{} {}".format(platform.system(), platform.release().split("-")[0]),
    }


def thread_settings():
    """The environment variables that set thread counts, where they are set."""
    return {name: os.environ[name] for name in THREAD_SETTINGS if name in os.environ}


def cpu_name():
    """The processor's name, for the record and for the name of its folder of results.

    A virtual machine may be told the make alone ("AMD EPYC"), which processors of very
    different speeds share: family and model then tell them apart.
    """
    try:
        with open("/proc/cpuinfo") as file:
            about = file.read()
    except OSError:
        about = ""
    fields = {}
    for line in about.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), " ".join(value.split()))
    if "model name" in fields:
        name = fields["model name"]
        if not any(character.isdigit() for character in name) and "model" in fields:
            name += " family {cpu family} model {model}".format(**fields)
        return name
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def cores():
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def mkl_cpu_type():
    """What MKL_DEBUG_CPU_TYPE makes MKL before 2020.1 use the processor's vector units.

    On other makers' processors than Intel's it falls back to SSE2: a matrix product then has a
    fifth of the speed or less. "7" means AVX-512, "5" AVX2; "" on Intel's, which need nothing.
    """
    try:
        with open("/proc/cpuinfo") as file:
            about = file.read()
    except OSError:
        return ""
    if "AuthenticAMD" not in about:
        return ""
    return "7" if " avx512f " in about else "5" if " avx2 " in about else ""


def gpus():
    """The machine's NVIDIA GPUs: a list of index, uuid, name, driver and memory_mib."""
    fields = "index,uuid,name,driver_version,memory.total"
    answer = _output(
        "nvidia-smi", "--query-gpu=" + fields, "--format=csv,noheader,nounits"
    )
    found = []
    for line in answer.splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) == 5 and values[0].isdigit():
            found.append(
                dict(zip(("index", "uuid", "name", "driver", "memory_mib"), values))
            )
    return found


def cuda_packages():
    """Versions of CUDA and cuDNN where they were installed as NVIDIA's Python packages."""
    found = {}
    for shown, package in (("CUDA", "nvidia_cuda_runtime"), ("cuDNN", "nvidia_cudnn")):
        for folder in sys.path:
            for path in glob.glob(os.path.join(folder, package + "*.dist-info")):
                name = os.path.basename(path)[: -len(".dist-info")]
                found[shown] = name.split("-")[1]
    return found


def _memory_gib():
    try:
        return round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2.0**30, 1
        )
    except (AttributeError, ValueError, OSError):
        return None


def _output(*command):
    try:
        return subprocess.check_output(
            command, stderr=subprocess.DEVNULL, universal_newlines=True, timeout=20
        ).strip()
    except (OSError, subprocess.SubprocessError):
        return ""
