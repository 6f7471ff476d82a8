"""Notice what else the machine does while a notebook runs.

On two cores a second busy process slows these models by a factor of 2 to 6, so a run that was
disturbed must say so.
"""

import time

import psutil

DISTURBING = (
    0.1  # a share of all processors; below it, timings vary by more on their own
)


class LoadMonitor:
    """Samples the processors' time that a process tree did not use itself."""

    def __init__(self, pid):
        self._pid = pid
        self._samples = []  # (seconds since 1970, busy with others, stolen, elapsed)
        self._last = self._read()

    def sample(self):
        """Take note of the time since the last sample; call it every second or so."""
        last, self._last = self._last, self._read()
        total, busy, stolen, own = (new - old for new, old in zip(self._last, last))
        if total > 0:
            others = max(0.0, busy - max(0.0, own)) / total
            self._samples.append((time.time(), others, stolen / total))

    def summary(self, since=0.0, until=float("inf")):
        """Mean shares of all processors in that interval: {"others": 0.02, "stolen": 0.0}."""
        within = [s for s in self._samples if since <= s[0] <= until] or self._samples
        count = len(within) or 1
        return {
            "others": round(sum(s[1] for s in within) / count, 3),
            "stolen": round(sum(s[2] for s in within) / count, 3),
        }

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
        seconds = _seconds(psutil.Process())
        try:
            root = psutil.Process(self._pid)
            return seconds + sum(map(_seconds, [root, *root.children(recursive=True)]))
        except psutil.Error:
            return seconds


def _seconds(process):
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system


def warnings(load):
    """What to say in the record of a run with this load."""
    said = []
    if load["others"] > DISTURBING:
        said.append(
            f"other processes used {load['others']:.0%} of the processors meanwhile"
        )
    if load["stolen"] > DISTURBING:
        said.append(
            f"the host took {load['stolen']:.0%} of the processors away meanwhile"
        )
    return said
