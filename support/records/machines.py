"""Machines: each has a folder under results/, whose machine.json says what it is."""

import json
from pathlib import Path
from typing import Any

from common.files import write_json
from common.machine import describe_machine
from support.basics.errors import UsageError
from support.devices.choose import Device, slug
from support.records import store

# What a machine's folder has within it beside its own records: runs on generated data, runs that
# verify made, and proofs.
PARTS = ("quick", "verify", "parity", "transfer", "mistakes")
SAME_MEMORY = 0.1  # by how much the memory of one machine may vary: what the kernel keeps for itself


def describe(device: Device) -> dict[str, Any]:
    """What machine.json says of a device and its host. Units are in the keys."""
    host = describe_machine()
    return {
        "schema": 1,
        "device": device.name,
        "kind": device.kind,
        "cpu": host["cpu"],
        "cores": host["cores"],
        "memory_gib": host["memory_gib"],
        "gpu_memory_mib": device.memory_mib,
        "driver": device.driver,
        "system": host["system"],
    }


def folder_for(results: Path, device: Device, name: str | None = None) -> Path:
    """Where the device's results are kept: the folder that the user names, else the first of
    <device>, <device>-2 … that is no other machine's. Writes nothing."""
    if name:
        if slug(name) != name:
            raise UsageError(f"--machine: write it as {slug(name) or 'a-name'}")
        if name == store.ARTICLE.parent.name:
            raise UsageError(f"--machine: {name} holds the article's figures")
        return results / name
    return folder_of(results, describe(device))


def folder_of(results: Path, mine: dict[str, Any]) -> Path:
    """The same for a machine that is described as machine.json would."""
    own, number = slug(mine["device"]), 1
    while True:
        folder = results / (own if number == 1 else f"{own}-{number}")
        if not (folder / "machine.json").exists() or same(read(folder), mine):
            return folder
        number += 1


def read(folder: Path) -> dict[str, Any]:
    """The folder's machine.json; {} where there is none that can be read."""
    try:
        found = json.loads((folder / "machine.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def home(folder: Path) -> Path:
    """The machine's folder that this one is, or is a part of."""
    return folder.parent if folder.name in PARTS else folder


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether both describe the same machine. A driver may have been updated since."""
    alike = all(one.get(k) == other.get(k) for k in ("device", "kind", "cpu", "cores"))
    memory = [_number(about.get("memory_gib")) for about in (one, other)]
    return alike and abs(memory[0] - memory[1]) <= SAME_MEMORY * max(memory)


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0


def write(folder: Path, device: Device) -> None:
    """Say in the folder what the machine is, if that is not what it says already."""
    about = describe(device)
    if read(folder) != about:
        write_json(folder / "machine.json", about)
