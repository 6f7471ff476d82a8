"""Choose the device of a run, and let one run at a time have it."""

import contextlib
import fcntl
import getpass
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common.machine import cores, cpu_name, gpus
from support.errors import UsageError


@dataclass(frozen=True)
class Device:
    """A GPU or the CPU. `name` is what results call it."""

    kind: str  # "cpu" or "gpu": also the variant of the environments
    name: str
    uuid: str = ""

    @property
    def machine(self):
        """The name of its folder under results/."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def variables(self):
        """Environment variables that make it the only device that frameworks see."""
        return {"CUDA_VISIBLE_DEVICES": self.uuid}


def choose(asked=None):
    """The GPU whose name contains `asked`; without it the first GPU, else the CPU; "none": the CPU."""
    found = gpus() if asked != "none" else []
    matching = [
        gpu for gpu in found if (asked or "").casefold() in gpu["name"].casefold()
    ]
    if matching:
        return Device("gpu", matching[0]["name"], matching[0]["uuid"])
    if asked and asked != "none":
        there = ", ".join(gpu["name"] for gpu in found) or "none"
        raise UsageError(
            f"no GPU's name contains '{asked}'; the GPUs of this machine: {there}"
        )
    return Device("cpu", f"{cpu_name()} ({cores()} cores)")


@contextlib.contextmanager
def reserved(device, say):
    """Hold the device's lock. While another run has it: says so, once, and waits."""
    name = f"rosetta-{getpass.getuser()}-{device.uuid or 'cpu'}.lock"
    path = Path(tempfile.gettempdir()) / name
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"Waiting for {device.name}: run {file.read().strip()} has it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
