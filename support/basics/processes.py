"""Processes: end one with everything it started, and find what outlived its parent."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable

import psutil

from support.basics.paths import PRIVATE

PATIENCE = 3  # seconds to end by itself
PR_SET_CHILD_SUBREAPER = 36  # of Linux' prctl


def end_tree(pid: int) -> None:
    """Terminate, then kill, the process and all its descendants (a kernel has a session of its own)."""
    try:
        root = psutil.Process(pid)
        tree = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    _each(tree, psutil.Process.terminate)
    _, alive = psutil.wait_procs(tree, timeout=PATIENCE)
    _each(alive, psutil.Process.kill)
    psutil.wait_procs(alive, timeout=PATIENCE)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that none is lost. Linux alone."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans(own: Iterable[int] = ()) -> list[str]:
    """End the children of this process that are not its own; returns their names."""
    names = []
    known = set(own)
    for child in psutil.Process().children():
        if child.pid not in known:
            with contextlib.suppress(psutil.Error):
                if child.status() != psutil.STATUS_ZOMBIE:
                    names.append(child.name())
            end_tree(child.pid)
    return names


def surroundings() -> dict[str, str]:
    """Environment variables for programs that are started, where the user's are not enough: a home,
    as a container's user may have none, and a locale that knows all letters of a path."""
    found = {}
    if os.path.expanduser("~") == "~":
        folder = PRIVATE / "home"
        folder.mkdir(parents=True, exist_ok=True)
        found["HOME"] = str(folder)
    locale = next(
        filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "C"
    )
    if "utf" not in locale.lower():
        found["LC_ALL"] = "C.UTF-8"
    return found


def _each(
    processes: Iterable[psutil.Process], action: Callable[[psutil.Process], None]
) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            action(process)


def end_with(parent: int) -> None:
    """End this process, and with it what it started, when the runner that started it is gone.

    Until then it adopts its orphans, so that the runner does not take them for those of another.
    """
    adopt_orphans()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    threading.Thread(target=watch, daemon=True).start()
