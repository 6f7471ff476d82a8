"""Watch a process tree: what else the machine does meanwhile, and what memory and energy are used.

On two cores a second busy process slows these models by a factor of 2 to 6, so a run that was
disturbed must say so.
"""

import time
from collections.abc import Iterable
from typing import Any

import psutil

from support.devices.choose import Device
from support.devices.energy import EnergyMeter, Rapl
from support.devices.gpu import GpuMonitor
from support.devices.tree import processor_seconds, resident_mib, tree

# A share of all processors; below it, timings vary by more on their own.
DISTURBING = 0.1


class LoadMonitor:
    """Samples the processors, the memory and the energy of a machine on which a process tree runs,
    and the device's GPU if it is one."""

    def __init__(self, pid: int, device: Device) -> None:
        self._pid = pid
        # (seconds since 1970, others, stolen, own)
        self._shares: list[tuple[float, ...]] = []
        self._memory_mib = 0.0
        self._gpu = GpuMonitor(device.uuid) if device.uuid else None
        self._energy = {"cpu": EnergyMeter(Rapl().joules)}
        if self._gpu:
            self._energy["gpu"] = EnergyMeter(self._gpu.joules)
        self._last = _processor_times(tree(pid).values())
        self._measure_energy()

    def sample(self) -> None:
        """Take note of the time since the last sample; call it every second or so."""
        self._measure_energy()
        processes = tree(self._pid)
        self._memory_mib = max(self._memory_mib, resident_mib(processes.values()))
        last, self._last = self._last, _processor_times(processes.values())
        total, busy, stolen, own = (new - old for new, old in zip(self._last, last))
        if total > 0:
            own = max(0.0, own)
            others = max(0.0, busy - own)
            shares = (seconds / total for seconds in (others, stolen, own))
            self._shares.append((time.time(), *shares))
        if self._gpu:
            self._gpu.sample(time.time(), set(processes))

    def summary(
        self, since: float = 0.0, until: float = float("inf")
    ) -> dict[str, Any]:
        """Mean shares of all processors in that interval, and in words what disturbed the run:
        {"others": 0.02, "stolen": 0.0, "own": 0.95, "disturbed": []}; on a GPU also its `gpu`."""
        within = [s for s in self._shares if since <= s[0] <= until] or self._shares
        count = len(within) or 1
        load: dict[str, Any] = {
            name: round(sum(sample[place] for sample in within) / count, 3)
            for place, name in enumerate(("others", "stolen", "own"), start=1)
        }
        if self._gpu:
            load["gpu"] = self._gpu.summary(since, until)
        return {**load, "disturbed": disturbances(load)}

    def resources(self, since: float, until: float) -> dict[str, Any]:
        """The peaks of memory in all samples, and the energy of that interval, as a record has
        them; None is what is not known here."""
        energy = {
            name: meter.between(since, until) for name, meter in self._energy.items()
        }
        return {
            "peak_memory_mib": round(self._memory_mib, 1) or None,
            "peak_gpu_memory_mib": self._gpu.peak_memory_mib() if self._gpu else None,
            "energy_joules": {"cpu": None, "gpu": None, **energy},
        }

    def _measure_energy(self) -> None:
        for meter in self._energy.values():
            meter.sample(time.time())


def _processor_times(processes: Iterable[psutil.Process]) -> tuple[float, ...]:
    """Seconds of all processors since the start: in all, busy, stolen by the host, and of the
    processes with this one."""
    times = psutil.cpu_times()
    stolen = getattr(times, "steal", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    # guest time is part of user time already
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    total = sum(times) - guests
    own = processor_seconds([psutil.Process(), *processes])
    return total, total - idle - stolen, stolen, own


def disturbances(load: dict[str, Any]) -> list[str]:
    """What disturbed a run with this load, in words."""
    said = []
    if load["others"] > DISTURBING:
        said.append(
            f"other processes used {load['others']:.0%} of the processors meanwhile"
        )
    if load["stolen"] > DISTURBING:
        said.append(
            f"the host took {load['stolen']:.0%} of the processors away meanwhile"
        )
    gpu = load.get("gpu") or {}
    if gpu.get("others"):
        said.append(f"other processes used the GPU meanwhile ({gpu['others']})")
    if gpu.get("throttled", 0) > DISTURBING:
        said.append(
            f"the GPU's clock was throttled {gpu['throttled']:.0%} of the time "
            f"({', '.join(gpu['reasons'])})"
        )
    return said
