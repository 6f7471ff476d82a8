"""Measure a device's ceilings by a probe, a script in probes/.

On the CPU the runner's own Python runs it, on a GPU that of the first environment which can.
"""

import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from common.files import write_json
from common.machine import THREAD_SETTINGS, cores
from support.basics.errors import NotPossible
from support.basics.processes import end_tree
from support.ceilings import store
from support.ceilings.store import Ceilings
from support.devices.choose import Device
from support.devices.load import LoadMonitor
from support.records import installation

Probe = tuple[Sequence[str], Path]  # the words that start a Python, and its script
PROBES = Path(__file__).with_name("probes")
TIMEOUT = (
    120  # seconds; a probe takes some ten, and a slow disk's imports as long again
)
POLL = 0.2
# A ceiling is of all processors, and of the precision that its name says.
UNSET = (*THREAD_SETTINGS, "NVIDIA_TF32_OVERRIDE")


def provide(
    device: Device,
    folder: Path,
    again: bool,
    say: Callable[[str], None],
    probes: Sequence[Probe],
) -> None:
    """Measure the device's ceilings into the folder, unless it has some or is to do it `again`.

    `probes` are what may measure a GPU, in the order of trying; the CPU has its own.
    """
    if store.read(folder) and not again:
        return
    say(f"Measuring what {device.name} can do at most ...")
    try:
        measured = measure(device, probes)
        write_json(store.path(folder), measured)
    except (NotPossible, OSError) as error:
        say(f"Its ceilings stay unknown: {error}")
    else:
        said = "; ".join([store.in_words(measured), *measured["load"]["disturbed"]])
        say(f"Ceilings: {said}")


def measure(device: Device, probes: Sequence[Probe]) -> Ceilings:
    """What the first probe that works found, with date and load. NotPossible if none works."""
    if device.kind == "cpu":
        probes = [([sys.executable, "-I"], PROBES / "cpu.py")]
    reasons = []
    for command, script in probes:
        try:
            return _run([*command, str(script)], device)
        except NotPossible as error:
            reasons.append(f"{script.name}: {error}")
    raise NotPossible("; ".join(reasons) or "no environment with a probe is ready")


def _run(command: list[str], device: Device) -> Ceilings:
    variables = {**os.environ, **device.variables}
    # nothing is written beside what is installed
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in UNSET:
        variables.pop(name, None)
    variables["OMP_NUM_THREADS"] = str(cores())
    process = subprocess.Popen(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    monitor = _watch(process, device)
    output, errors = process.communicate()
    if process.returncode:
        lines = errors.strip().splitlines() or [f"status {process.returncode}"]
        raise NotPossible(lines[-1])
    try:
        found = json.loads(
            output.strip().splitlines()[-1]
        )  # libraries may print before
    except (ValueError, IndexError):
        raise NotPossible("it did not print what it found") from None
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "device": device.name,
        "probe": Path(command[-1]).name,
        "date": now.isoformat(timespec="seconds"),
        **found,
        "load": monitor.summary(),
        "installation": installation.own(),
    }


def _watch(process: subprocess.Popen, device: Device) -> LoadMonitor:
    """Wait for the probe, and see what else the machine does. NotPossible if it hangs."""
    monitor = LoadMonitor(process.pid, device)
    until = time.monotonic() + TIMEOUT
    try:
        while process.poll() is None and time.monotonic() < until:
            monitor.sample()
            time.sleep(POLL)
    finally:
        hangs = process.poll() is None
        if hangs:
            end_tree(process.pid)
    if hangs:
        raise NotPossible(f"it did not end within {TIMEOUT} s")
    return monitor
