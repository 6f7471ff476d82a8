"""A process with all its descendants: the processor time and the memory that they use."""

from collections.abc import Callable, Iterable

import psutil

MIB = 1 << 20


def tree(pid: int) -> dict[int, psutil.Process]:
    """The processes by pid; none once the first one has ended."""
    try:
        root = psutil.Process(pid)
        return {p.pid: p for p in (root, *root.children(recursive=True))}
    except psutil.Error:
        return {}


def processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """What they have used, and their children that have ended, such as compilers."""
    return sum(_told(process, _seconds) for process in processes)


def resident_mib(processes: Iterable[psutil.Process]) -> float:
    """Their resident memory; what several of them share counts for each."""
    return sum(_told(process, _resident_bytes) for process in processes) / MIB


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    ended = (getattr(times, f"children_{name}", 0.0) for name in ("user", "system"))
    return times.user + times.system + sum(ended)


def _resident_bytes(process: psutil.Process) -> float:
    return process.memory_info().rss


def _told(process: psutil.Process, ask: Callable[[psutil.Process], float]) -> float:
    """The answer; 0 where the process has ended."""
    try:
        return ask(process)
    except psutil.Error:
        return 0.0
