"""The NVIDIA GPUs that a run may have: those that nvidia-smi lists and CUDA_VISIBLE_DEVICES leaves.

Where a GPU is divided into MIG instances, its instances stand in its place.
"""

import os
import re
from collections import defaultdict

from common.machine import nvidia_smi, query_gpus

Gpu = dict[
    str, str
]  # index, uuid, name, driver and memory_mib, as nvidia-smi writes them
GPU = re.compile(r"GPU (\d+): ")
INSTANCE = re.compile(r"\s+MIG (\S+)\s.*\(UUID: (MIG-\S+)\)")


def offered() -> tuple[list[Gpu], str]:
    """(the GPUs and instances that may be used, what was wrong with nvidia-smi in one line or "").

    An index in CUDA_VISIBLE_DEVICES is taken as nvidia-smi's.
    """
    gpus, problem = query_gpus()
    if not gpus:
        return [], problem
    lines, failure = nvidia_smi("-L")
    instances = _instances(lines)
    machine = [(gpu, _parts(gpu, instances[gpu["index"]])) for gpu in gpus]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        left = [part for _, parts in machine for part in parts]
    else:
        left = _left(machine, visible.split(","))
    return left, problem or failure


def _instances(lines: list[str]) -> dict[str, list[tuple[str, str]]]:
    """The profiles and uuids of MIG instances, by their GPU's index."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    index = ""
    for line in lines:
        if gpu := GPU.match(line):
            index = gpu[1]
        elif instance := INSTANCE.match(line):
            found[index].append((instance[1], instance[2]))
    return found


def _parts(gpu: Gpu, instances: list[tuple[str, str]]) -> list[Gpu]:
    """What can be used of a GPU: its instances, or itself if it has none."""
    return [
        {**gpu, "name": f"{gpu['name']} MIG {profile}", "uuid": uuid, "memory_mib": ""}
        for profile, uuid in instances
    ] or [gpu]


def _left(machine: list[tuple[Gpu, list[Gpu]]], entries: list[str]) -> list[Gpu]:
    """What the entries of CUDA_VISIBLE_DEVICES leave. As in CUDA an unknown one ends the list."""
    left: list[Gpu] = []
    for entry in entries:
        meant = _meant(machine, entry.strip())
        if not meant:
            break
        left += [gpu for gpu in meant if gpu not in left]
    return left


def _meant(machine: list[tuple[Gpu, list[Gpu]]], entry: str) -> list[Gpu]:
    """What one entry means, an index or the beginning of a uuid; [] if it is none, or not unique."""
    if entry.isdecimal():
        every = [parts for gpu, parts in machine if int(gpu["index"]) == int(entry)]
    elif entry.startswith(("GPU-", "MIG-")):
        named = {part["uuid"]: [part] for _, parts in machine for part in parts}
        named.update((gpu["uuid"], parts) for gpu, parts in machine)
        every = [gpus for uuid, gpus in named.items() if uuid.startswith(entry)]
    else:
        every = []
    return every[0] if len(every) == 1 else []
