"""The energy that a device uses, from counters that only grow: RAPL's of the processors, NVML's of a GPU."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Samples a counter of joules, which says None where it cannot be read."""

    def __init__(self, joules: Callable[[], float | None]) -> None:
        self._joules = joules
        self._samples: list[tuple[float, float]] = []  # (seconds since 1970, joules)

    def sample(self, now: float) -> None:
        """Take note of the counter's present state."""
        joules = self._joules()
        if joules is not None:
            self._samples.append((now, joules))

    def between(self, since: float, until: float) -> float | None:
        """The joules of that interval, of the whole device.

        The counter's state at the interval's ends is interpolated. None if nothing is known
        there, or if fewer than two samples lie within, which would make it a guess.
        """
        times = [time for time, _ in self._samples]
        inside = [time for time in times if since <= time <= until]
        if len(inside) < 2 or since < times[0] or times[-1] < until:
            return None
        readings = [joules for _, joules in self._samples]
        start, end = np.interp((since, until), times, readings)
        # none is used only where a virtual machine's counter stands still
        return round(float(end - start), 1) if end > start else None


class Rapl:
    """The processors' counters, which Linux tells to those who may read them: often root alone."""

    def __init__(self) -> None:
        every = sorted(POWERCAP.glob("intel-rapl:*"))  # AMD's processors are there, too
        self._packages = [
            folder for folder in every if _name(folder).startswith("package")
        ]
        self._last: dict[Path, int] = {}
        self._total = 0  # microjoules

    def joules(self) -> float | None:
        """What all processors have used since the first reading; None where that is unknown."""
        try:
            for folder in self._packages:
                self._total += self._step(folder)
        except (OSError, ValueError):
            return None
        return self._total / 1e6 if self._packages else None

    def _step(self, folder: Path) -> int:
        """Microjoules since the last reading. A counter starts again after its largest number."""
        now = int((folder / "energy_uj").read_text())
        step = now - self._last.get(folder, now)
        if step < 0:
            step += int((folder / "max_energy_range_uj").read_text())
        self._last[folder] = now
        return step


def _name(folder: Path) -> str:
    """The zone's name: "package-0", and of its parts and of the whole machine "core", "psys"."""
    try:
        return (folder / "name").read_text()
    except OSError:
        return ""
