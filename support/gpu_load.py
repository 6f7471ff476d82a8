"""Notice who else uses the GPU, and whether its clock is throttled, where NVML can be asked.

NVML comes with NVIDIA's driver; its Python package is nvidia-ml-py. A machine without either is
not watched, and its records say so.
"""

import contextlib
import time

# Bits of NVML's clock event reasons. A power cap is left out: at full load the board's own limit is
# the usual state of many GPUs, and it does not differ from run to run.
THROTTLING = {
    0x08: "hardware slowdown",
    0x20: "heat, by software",
    0x40: "heat, by hardware",
    0x80: "power brake",
}


class GpuMonitor:
    """Samples the processes on a GPU and the reasons that hold its clock down."""

    def __init__(self, uuid):
        self._samples = []  # (seconds since 1970, pids, the tree's own pids, reasons)
        self._nvml, self._handle = _open(uuid)
        self._before = self._pids()

    def sample(self, own):
        """Take note of the GPU's present state; `own` are the pids of the watched tree."""
        if self._nvml:
            self._samples.append((time.time(), self._pids(), own, self._reasons()))

    def summary(self, since=0.0, until=float("inf")):
        """{"others": how many, "throttled": share of the samples, "reasons": […]}; None if unknown."""
        within = [s for s in self._samples if since <= s[0] <= until] or self._samples
        if not within:
            return None
        reasons = [reason for *_, bits in within for reason in _named(bits)]
        throttled = sum(bool(_named(bits)) for *_, bits in within)
        return {
            "others": len(self._others(within)),
            "throttled": round(throttled / len(within), 3),
            "reasons": sorted(set(reasons)),
        }

    def _others(self, samples):
        """Foreign pids. In a container NVML may tell pids of the host, among which our own cannot be
        told: then only those that were there before us are known to be others'."""
        seen = set().union(*(pids for _, pids, *_ in samples))
        # over the whole run: once the notebook has left the GPU its pid is no longer listed
        own = set().union(*(own for _, _, own, _ in self._samples))
        every = set().union(*(pids for _, pids, *_ in self._samples))
        return seen - own if every & own else seen & self._before

    def _pids(self):
        # those that compute: a desktop is always there, and does little
        processes = self._ask("nvmlDeviceGetComputeRunningProcesses") or []
        return {process.pid for process in processes}

    def _reasons(self):
        # the name that old and new drivers know
        return self._ask("nvmlDeviceGetCurrentClocksThrottleReasons") or 0

    def _ask(self, function):
        """NVML's answer; None where it has none, as some GPUs and virtual ones do."""
        if self._nvml:
            with contextlib.suppress(self._nvml.NVMLError):
                return getattr(self._nvml, function)(self._handle)
        return None


def _open(uuid):
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


def _named(bits):
    return [name for bit, name in THROTTLING.items() if bits & bit]
