"""Choose the device of a run, and let one run at a time have it."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.machine import cores, cpu_name
from support.basics import locks
from support.basics.errors import UsageError
from support.basics.locks import Say
from support.devices import nvidia


@dataclass(frozen=True)
class Device:
    """A GPU or the CPU. `name` is what results call it, `index` is nvidia-smi's."""

    kind: str  # "cpu" or "gpu": also the variant of the environments
    name: str
    uuid: str = ""
    memory_mib: int | None = None
    driver: str = ""
    index: int | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that make it the only device that frameworks see."""
        return {"CUDA_VISIBLE_DEVICES": self.uuid}

    @property
    def slug(self) -> str:
        """Its name in file names."""
        return slug(self.name)


def slug(name: str) -> str:
    """The name in lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def choose(asked: str | None, say: Say) -> Device:
    """The device that the user asks for.

    None: the first free GPU, else the CPU. "none": the CPU. Otherwise a GPU by its index, by its
    uuid, or by a part of its name; UsageError if there is none. Says what nvidia-smi reports.
    """
    if asked == "none":
        return cpu()
    gpus, problem = _offered()
    fitting = [gpu for gpu in gpus if not asked or _fits(gpu, asked)]
    if asked and not fitting:
        raise UsageError("; ".join(filter(None, [_none_fits(asked, gpus), problem])))
    if problem:
        say(problem)
    if not fitting:
        return cpu()
    chosen = next(filter(_is_free, fitting), fitting[0])
    if asked and len(fitting) > 1:
        say(f"--gpu {asked} fits {_named(fitting)}. This run takes {chosen.uuid}.")
    return chosen


def every(say: Say) -> list[Device]:
    """All GPUs that a run may have. Says what nvidia-smi reports."""
    gpus, problem = _offered()
    if problem:
        say(problem)
    return gpus


def cpu() -> Device:
    """The CPU, named by what this process may use of it."""
    return Device("cpu", f"{cpu_name()} ({cores()} cores)")


@contextlib.contextmanager
def reserved(device: Device, say: Say) -> Iterator[None]:
    """Hold the device's lock. While another run has it: says so, once, and waits."""
    try:
        path = _lock(device)
    except OSError as error:
        say(f"No lock for {device.name} ({error}): do not start another run.")
        yield
        return
    with locks.held(path, say, device.name):
        yield


def _offered() -> tuple[list[Device], str]:
    gpus, problem = nvidia.offered()
    return [_device(gpu) for gpu in gpus], problem


def _device(gpu: nvidia.Gpu) -> Device:
    memory = gpu["memory_mib"]  # "[N/A]" where a GPU shares the host's
    return Device(
        kind="gpu",
        name=gpu["name"],
        uuid=gpu["uuid"],
        memory_mib=int(memory) if memory.isdecimal() else None,
        driver=gpu["driver"],
        index=int(gpu["index"]),
    )


def _fits(gpu: Device, asked: str) -> bool:
    """Whether it is the GPU of this index, or of this uuid, or has this in its name."""
    if asked.isdecimal():
        return gpu.index == int(asked)
    if asked.upper().startswith(("GPU-", "MIG-")):
        return gpu.uuid.casefold().startswith(asked.casefold())
    return asked.casefold() in gpu.name.casefold()


def _none_fits(asked: str, gpus: list[Device]) -> str:
    limited = "CUDA_VISIBLE_DEVICES" in os.environ
    there = "CUDA_VISIBLE_DEVICES leaves" if limited else "this machine has"
    return f"--gpu {asked}: no such GPU; {there} {_named(gpus) or 'none'}"


def _named(gpus: list[Device]) -> str:
    """The GPUs in words, each with its index."""
    return ", ".join(f"{gpu.name} ({gpu.index})" for gpu in gpus)


def _lock(device: Device) -> Path:
    """Its lock's path. Raises OSError if there is no folder for locks."""
    # uuids of MIG instances have slashes where the driver is old
    name = (device.uuid or "cpu").replace("/", "-")
    return locks.shared_folder() / f"rosetta-{name}.lock"


def _is_free(device: Device) -> bool:
    try:
        return locks.is_free(_lock(device))
    except OSError:
        return True
