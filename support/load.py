"""Notice what else the machine does while a notebook runs.

On two cores a second busy process slows these models by a factor of 2 to 6, so a run that was
disturbed must say so.
"""

import time

import psutil

from support.gpu_load import GpuMonitor

DISTURBING = (
    0.1  # a share of all processors; below it, timings vary by more on their own
)


class LoadMonitor:
    """Samples the processors' time that a process tree did not use itself, and its GPU if it has one."""

    def __init__(self, pid, device):
        self._pid = pid
        self._samples = []  # (seconds since 1970, others, stolen, own), as shares
        self._gpu = GpuMonitor(device.uuid) if device.uuid else None
        self._last = self._read()

    def sample(self):
        """Take note of the time since the last sample; call it every second or so."""
        last, self._last = self._last, self._read()
        total, busy, stolen, own = (new - old for new, old in zip(self._last, last))
        if total > 0:
            own = max(0.0, own)
            others = max(0.0, busy - own)
            shares = (seconds / total for seconds in (others, stolen, own))
            self._samples.append((time.time(), *shares))
        if self._gpu:
            self._gpu.sample(set(self._tree()))

    def summary(self, since=0.0, until=float("inf")):
        """Mean shares of all processors in that interval, and in words what disturbed the run:
        {"others": 0.02, "stolen": 0.0, "own": 0.95, "disturbed": []}; on a GPU also its `gpu`."""
        within = [s for s in self._samples if since <= s[0] <= until] or self._samples
        count = len(within) or 1
        load = {
            name: round(sum(sample[place] for sample in within) / count, 3)
            for place, name in enumerate(("others", "stolen", "own"), start=1)
        }
        if self._gpu:
            load["gpu"] = self._gpu.summary(since, until)
        return {**load, "disturbed": disturbances(load)}

    def _read(self):
        times = psutil.cpu_times()
        stolen = getattr(times, "steal", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        # guest time is part of user time already
        total = (
            sum(times)
            - getattr(times, "guest", 0.0)
            - getattr(times, "guest_nice", 0.0)
        )
        return total, total - idle - stolen, stolen, self._own()

    def _own(self):
        """Processor seconds of the tree and of the runner itself."""
        return _seconds(psutil.Process()) + sum(map(_seconds, self._tree().values()))

    def _tree(self):
        """pid -> process of the watched tree; empty once it has ended."""
        try:
            root = psutil.Process(self._pid)
            return {p.pid: p for p in (root, *root.children(recursive=True))}
        except psutil.Error:
            return {}


def _seconds(process):
    """Processor seconds of the process and of its children that have ended, such as compilers."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    ended = (getattr(times, f"children_{name}", 0.0) for name in ("user", "system"))
    return times.user + times.system + sum(ended)


def disturbances(load):
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
