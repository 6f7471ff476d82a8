"""What happens on a GPU meanwhile, where NVML can be asked: who else uses it, what holds its clock
down, how much memory and energy are used.

NVML comes with NVIDIA's driver; its Python package is nvidia-ml-py. A machine without either is
not watched, and its records say so.
"""

import contextlib
from dataclasses import dataclass
from typing import Any

from support.devices.tree import MIB

# Bits of NVML's clock event reasons. A power cap is left out: at full load the board's own limit is
# the usual state of many GPUs, and it does not differ from run to run.
THROTTLING = {
    0x08: "hardware slowdown",
    0x20: "heat, by software",
    0x40: "heat, by hardware",
    0x80: "power brake",
}


@dataclass(frozen=True)
class Sample:
    """The state of a GPU at one moment. None is what NVML does not tell."""

    time: float  # seconds since 1970
    own: frozenset[int]  # pids of the watched tree
    memory: dict[int, int | None]  # bytes by the pid of a process on the GPU
    used: int | None  # bytes, by whomever
    reasons: int  # bits of THROTTLING

    @property
    def own_memory(self) -> int | None:
        """The bytes that the watched tree has."""
        amounts = [self.memory[pid] for pid in self.own & self.memory.keys()]
        known = [amount for amount in amounts if amount is not None]
        return sum(known) if known else None


class GpuMonitor:
    """Samples the processes on a GPU, its memory, and the reasons that hold its clock down."""

    def __init__(self, uuid: str) -> None:
        self._nvml, self._handle = _open(uuid)
        self._before = self._look(0.0, set())
        self._samples: list[Sample] = []

    def sample(self, now: float, own: set[int]) -> None:
        """Take note of the GPU's present state; `own` are the pids of the watched tree."""
        if self._nvml:
            self._samples.append(self._look(now, own))

    def summary(self, since: float, until: float) -> dict[str, Any] | None:
        """{"others": how many, "throttled": share of the samples, "reasons": […]}; None if unknown."""
        within = [s for s in self._samples if since <= s.time <= until] or self._samples
        if not within:
            return None
        reasons = [_named(sample.reasons) for sample in within]
        return {
            "others": len(self._others(within)),
            "throttled": round(sum(map(bool, reasons)) / len(within), 3),
            "reasons": sorted(set().union(*reasons)),
        }

    def peak_memory_mib(self) -> float | None:
        """What the watched tree had at most; where NVML does not tell it, what was used in all
        beyond what was used before. None if unknown."""
        own = [s.own_memory for s in self._samples if s.own_memory is not None]
        used = [s.used for s in self._samples if s.used is not None]
        if own:
            return round(max(own) / MIB, 1)
        if used and self._before.used is not None:
            return round(max(0, max(used) - self._before.used) / MIB, 1)
        return None

    def joules(self) -> float | None:
        """What the GPU has used since its driver was loaded; GPUs before Volta do not tell."""
        millijoules = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        return None if millijoules is None else millijoules / 1000

    def _others(self, samples: list[Sample]) -> set[int]:
        """Foreign pids. In a container NVML may have pids of the host, among which our own cannot be
        found: then only those that were there before us are known to be others'."""
        seen: set[int] = set().union(*(sample.memory for sample in samples))
        # over the whole run: once the notebook has left the GPU its pid is no longer listed
        own: set[int] = set().union(*(sample.own for sample in self._samples))
        every: set[int] = set().union(*(sample.memory for sample in self._samples))
        return seen - own if every & own else seen & self._before.memory.keys()

    def _look(self, now: float, own: set[int]) -> Sample:
        # those that compute: a desktop is always there, and does little
        processes = self._ask("nvmlDeviceGetComputeRunningProcesses") or []
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        return Sample(
            time=now,
            own=frozenset(own),
            memory={process.pid: process.usedGpuMemory for process in processes},
            used=None if memory is None else memory.used,
            # the name that old and new drivers know
            reasons=self._ask("nvmlDeviceGetCurrentClocksThrottleReasons") or 0,
        )

    def _ask(self, function: str) -> Any:
        """NVML's answer; None where it has none, as some GPUs and virtual ones do."""
        if self._nvml:
            with contextlib.suppress(self._nvml.NVMLError):
                return getattr(self._nvml, function)(self._handle)
        return None


def _open(uuid: str) -> tuple[Any, Any]:
    """(NVML, the GPU's handle), or (None, None) where there is no NVML."""
    try:
        import pynvml
    except ImportError:
        return None, None
    try:
        pynvml.nvmlInit()
        return pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid)
    except pynvml.NVMLError:
        return None, None


def _named(bits: int) -> list[str]:
    return [name for bit, name in THROTTLING.items() if bits & bit]
