"""What a run may be compared with: records of others. What was made here is nobody's reference."""

import functools
from dataclasses import dataclass, field
from pathlib import Path

from common.machine import describe_machine
from support.basics.paths import RESULTS
from support.ceilings import store as ceilings_store
from support.ceilings.store import Ceilings
from support.records import installation, store
from support.records.machines import SAME_MEMORY
from support.records.store import Record


@dataclass(frozen=True)
class References:
    """Finished runs of the same device, and of others with the ceilings measured beside them; runs
    that failed; and the ceilings of the same device."""

    same: list[Record] = field(default_factory=list)
    elsewhere: list[tuple[Record, Ceilings]] = field(default_factory=list)
    failures: list[Record] = field(default_factory=list)
    ceilings: list[Ceilings] = field(default_factory=list)

    @property
    def every(self) -> list[Record]:
        """All finished runs."""
        return [*self.same, *(record for record, _ in self.elsewhere)]


def gather(
    device: str, folder: Path, results: Path = RESULTS
) -> tuple[References, list[Record]]:
    """What is on record in the results folders and in this machine's `folder`, and the machine's own
    finished runs. A device is the same whatever its host, and so is found by its name."""
    found, own = References(), []
    for machine in dict.fromkeys([*store.machines(results), folder]):
        measured = ceilings_store.read(machine)
        if measured.get("device") == device and not is_own(measured):
            found.ceilings.append(measured)
        for record in store.read_all(machine).values():
            finished = record["status"] == "ok"
            if is_own(record):
                own += [record] if finished and machine == folder else []
            elif not finished:
                found.failures.append(record)
            elif record["device"] == device:
                found.same.append(record)
            else:
                found.elsewhere.append((record, measured))
    return found, own


def is_own(made: Record | Ceilings) -> bool:
    """Whether this checkout has made it."""
    return made.get("installation") == installation.own()


def is_here(record: Record) -> bool:
    """Whether the run was made with the processor, memory, GPUs and driver that are here now."""
    there, here = record["hardware"], _machine()
    memory = [about["memory_gib"] or 0 for about in (there, here)]
    return (
        all(there[name] == here[name] for name in ("cpu", "cores"))
        and _gpus(there) == _gpus(here)
        and abs(memory[0] - memory[1]) <= SAME_MEMORY * max(memory)
    )


def _gpus(hardware: dict) -> list[tuple]:
    return sorted((gpu["name"], gpu.get("driver", "")) for gpu in hardware["gpus"])


@functools.cache
def _machine() -> dict:
    return describe_machine()
