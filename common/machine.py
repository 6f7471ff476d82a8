"""What this process runs on: processor, cores, memory, GPU and driver, thread settings."""

import glob
import math
import os
import platform
import shutil
import subprocess
import sys

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "KMP_AFFINITY",
)
GPU_FIELDS = ("index", "uuid", "name", "driver", "memory_mib")
GPU_QUERY = "--query-gpu=index,uuid,name,driver_version,memory.total"
PATIENCE = 30  # seconds for nvidia-smi, which may have to wake each GPU


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
    fields = {}
    for line in _read("/proc/cpuinfo").splitlines():
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


def cores(root="/"):
    """How many processors this process may use: by its affinity and by its control groups.

    `root` is the folder that has the system's files.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return min([allowed] + _quotas(root))


def _quotas(root):
    """What this process' control groups and those above them allow, in whole processors."""
    mounts = os.path.join(root, "sys", "fs", "cgroup")
    quotas = []
    for line in _read(root, "proc", "self", "cgroup").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        for name in (controllers, "cpu") if controllers else ("", "unified"):
            for folder in _upwards(path):
                quotas.append(_quota(os.path.join(mounts, name, folder)))
    return [quota for quota in quotas if quota]


def _upwards(path):
    """The group's path and those of the groups above it, relative to the root group."""
    parts = path.strip("/").split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]


def _quota(folder):
    """How many whole processors one control group allows; None if it sets no limit."""
    # version 2 has one file, version 1 has two
    words = _read(folder, "cpu.max").split() or [
        _read(folder, name).strip()
        for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    ]
    if len(words) == 2 and all(word.isdigit() for word in words):
        return max(1, math.ceil(int(words[0]) / int(words[1])))
    return None  # "max", "-1", or no such file


def _read(*path):
    """The file's text; "" if it cannot be read."""
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def mkl_cpu_type():
    """What MKL_DEBUG_CPU_TYPE makes MKL before 2020.1 use the processor's vector units.

    On other makers' processors than Intel's it falls back to SSE2: a matrix product then has a
    fifth of the speed or less. "7" means AVX-512, "5" AVX2; "" on Intel's, which need nothing.
    """
    about = _read("/proc/cpuinfo")
    if "AuthenticAMD" not in about:
        return ""
    return "7" if " avx512f " in about else "5" if " avx2 " in about else ""


def openblas_core_type():
    """What OPENBLAS_CORETYPE makes OpenBLAS use the vector units of a processor younger than it.

    OpenBLAS goes by models, and computes with SSE3 on one that it does not know: version 0.3.21
    does a matrix product on an Intel Xeon of model 207 at 54 GFLOP/s, and at 237 if told. The
    kernels of "SkylakeX" need AVX-512, those of "Haswell" AVX2; "" on processors without either.
    """
    flags = _read("/proc/cpuinfo").split()
    if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= set(flags):
        return "SkylakeX"
    return "Haswell" if {"avx2", "fma"} <= set(flags) else ""


def gpus():
    """The machine's NVIDIA GPUs: a list of index, uuid, name, driver and memory_mib."""
    return query_gpus()[0]


def query_gpus():
    """(what `gpus` returns, what was wrong with nvidia-smi in one line, or "").

    Where there is no nvidia-smi there is no GPU, and nothing is wrong.
    """
    lines, failure = nvidia_smi(GPU_QUERY, "--format=csv,noheader,nounits")
    found, others = [], []
    for line in lines:
        values = [value.strip() for value in line.split(",")]
        if len(values) == 5 and values[0].isdigit() and values[1][:4] == "GPU-":
            found.append(dict(zip(GPU_FIELDS, values)))
        else:
            others.append(line)
    if not others:
        return found, failure
    message = "{}: {}".format(failure or "nvidia-smi", " ".join(others))
    return found, " ".join(message.split())[:300]


def nvidia_smi(*arguments):
    """(the lines that nvidia-smi prints, how it failed, or "")."""
    program = shutil.which("nvidia-smi")
    if not program:
        return [], ""
    try:
        process = subprocess.Popen(
            [program] + list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            errors="replace",
        )
        output, errors = process.communicate(timeout=PATIENCE)
    except OSError as error:
        return [], "nvidia-smi cannot be started: {}".format(error.strerror)
    except subprocess.TimeoutExpired:
        process.kill()  # not waited for: it may hang for as long as the driver does
        return [], "nvidia-smi did not answer within {} seconds".format(PATIENCE)
    if not process.returncode:
        return output.splitlines(), ""
    failure = "nvidia-smi failed (exit status {})".format(process.returncode)
    return (output + errors).splitlines(), failure


def cuda_versions(root="/"):
    """Versions of CUDA and cuDNN, as far as they can be known without a framework's help.

    Those of NVIDIA's Python packages; where they were not installed so, those in the names of
    the libraries that this process has loaded. `root` is the folder that has the system's files.
    """
    found = {}
    for shown, package, library in (
        ("CUDA", "nvidia_cuda_runtime", "libcudart.so."),
        ("cuDNN", "nvidia_cudnn", "libcudnn.so."),
    ):
        version = _package_version(package) or _loaded_version(library, root)
        if version:
            found[shown] = version
    return found


def _package_version(package):
    """Of an installed package whose name begins so; None if there is none."""
    for folder in sys.path:
        for path in glob.glob(os.path.join(folder, package + "*.dist-info")):
            return os.path.basename(path)[: -len(".dist-info")].split("-")[1]
    return None


def _loaded_version(library, root):
    """The version in the name of a loaded library; None where it is not loaded, or has none."""
    for line in _read(root, "proc", "self", "maps").splitlines():
        name = os.path.basename(line)
        if name.startswith(library):
            return name[len(library) :]
    return None


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
            command, stderr=subprocess.DEVNULL, errors="replace", timeout=20
        ).strip()
    except (OSError, subprocess.SubprocessError):
        return ""
