"""Ceilings: what a device reaches in a matrix product and in copying memory, next to its records.

A framework's FLOP/s can be held against them. They are measured by a probe, a script in probes/:
on the CPU by the runner's own Python, on a GPU by that of the first environment that is ready and
whose registry entry names a probe.
"""

import datetime
import json
import os
import subprocess
import sys
import time

from common.files import write_json
from common.machine import THREAD_SETTINGS
from support import environments, flops, registry
from support.errors import NotPossible
from support.load import LoadMonitor
from support.paths import ROOT
from support.processes import end_tree

PROBES = ROOT / "support" / "probes"
TIMEOUT = (
    120  # seconds; a probe takes some ten, and a slow disk's imports as long again
)
POLL = 0.2


def path(folder):
    """Where a results folder keeps them."""
    return folder / "ceilings.json"


def read(folder):
    """The ceilings of a results folder; {} where there are none, or other load lowered them."""
    try:
        found = json.loads(path(folder).read_text(encoding="utf-8"))
        return {} if found["load"]["disturbed"] else found
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def share(run, ceilings):
    """The FLOP/s of a run as a share of the matrix product's in its precision; None if unknown."""
    ceiling = ceilings.get("matmul", {}).get(run["precision"])
    achieved = flops.per_example(run["model"]) * run["throughput"]
    return achieved / ceiling if ceiling else None


def provide(device, folder, again, say):
    """Measure the device's ceilings into the folder, unless it has some or is to do it `again`."""
    if read(folder) and not again:
        return
    say(f"Measuring what {device.name} can do at most ...")
    try:
        measured = measure(device)
        write_json(path(folder), measured)
    except (NotPossible, OSError) as error:
        say(f"Its ceilings stay unknown: {error}")
    else:
        said = "; ".join([in_words(measured), *measured["load"]["disturbed"]])
        say(f"Ceilings: {said}")


def measure(device):
    """What the probe found, with date and load. Raises NotPossible where none can tell."""
    reasons = []
    for python, script in _probes(device):
        try:
            return _run(python, script, device)
        except NotPossible as error:
            reasons.append(str(error))
    raise NotPossible("; ".join(reasons) or "no environment with a probe is ready")


def _probes(device):
    """(Python, script) of what may measure the device, in the registry's order."""
    if device.kind == "cpu":
        return [(sys.executable, PROBES / "cpu.py")]
    every = {f.environment.name: f.environment for f in registry.load().values()}
    return [
        (environments.python(environment, device.kind), PROBES / environment.probe)
        for environment in every.values()
        if environment.probe and environments.is_ready(environment, device.kind)
    ]


def _run(python, script, device):
    variables = {**os.environ, **device.variables, "PYTHONNOUSERSITE": "1"}
    for name in THREAD_SETTINGS:  # a ceiling is of all cores
        variables.pop(name, None)
    process = subprocess.Popen(
        [str(python), str(script)],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    monitor = LoadMonitor(process.pid, device)
    until = time.monotonic() + TIMEOUT
    try:
        while process.poll() is None and time.monotonic() < until:
            monitor.sample()
            time.sleep(POLL)
    finally:
        if process.poll() is None:
            end_tree(process.pid)
    output, errors = process.communicate()
    if process.returncode:
        lines = errors.strip().splitlines() or [f"status {process.returncode}"]
        raise NotPossible(f"{script.name}: {lines[-1]}")
    result = output.strip().splitlines()[-1]  # libraries may print before it
    return {
        "device": device.name,
        "probe": script.name,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="seconds"
        ),
        **json.loads(result),
        "load": monitor.summary(),
    }


def in_words(ceilings):
    """One line: FLOP/s per precision, bytes/s, and by what they were measured."""
    products = [
        f"{precision} {_scaled(value)}FLOP/s"
        for precision, value in ceilings["matmul"].items()
    ]
    by = " ".join(next(iter(ceilings["versions"].items())))
    return (
        f"matrix product {', '.join(products)}; memory copy {_scaled(ceilings['copy'])}B/s "
        f"({by}, {ceilings['date'][:10]})"
    )


def _scaled(value):
    """Three digits and the prefix of the unit."""
    for prefix in ("", "k", "M", "G", "T"):
        if value < 999.5 or prefix == "T":
            return f"{value:.3g} {prefix}"
        value /= 1000
