"""What runs on a cluster's workers: says what they are, and performs orders there.

A worker is a process of `run_all.py worker`, or any Dask worker with one thread that was started in
a checkout with this repository on its PYTHONPATH.
"""

import functools
import hashlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from support.basics.paths import ROOT
from support.devices import choose
from support.devices.choose import Device, slug
from support.execution import perform
from support.records import installation, machines

CODE = ("common", "notebooks", "support")  # what an order's result depends on


def description() -> dict[str, Any]:
    """What this worker is: its host, its device, and the code that it has."""
    device = own_device()
    return {
        "host": socket.gethostname(),
        "about": machines.describe(device),
        "device": device,
        "commit": installation.commit(),
        "code": code_digest(),
    }


@functools.cache
def own_device() -> Device:
    """The first GPU that this process may use, else the CPU."""
    return choose.choose(None, print)


@functools.cache
def code_digest() -> str:
    """A digest of the code of this checkout, whatever git says of it."""
    found = hashlib.sha256()
    for path in _files():
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        found.update(path.read_bytes())
    return found.hexdigest()


def _files() -> Iterator[Path]:
    for name in CODE:
        for path in sorted((ROOT / name).rglob("*")):
            made = "__pycache__" in path.parts or path.name.startswith(".")
            if path.is_file() and not made:
                yield path


def resource(about: dict[str, Any]) -> str:
    """What workers with such a device offer, and orders for it ask for."""
    return slug(f"{about['device']} {about['cpu']} {about['cores']}")


class Offer(WorkerPlugin):
    """Makes each worker, those that come later too, offer its device; one with other code offers none."""

    name = "rosetta-offer"

    def __init__(self, code: str) -> None:
        self.code = code

    async def setup(self, worker: Worker) -> None:
        if code_digest() == self.code:
            await worker.set_resources(**{resource(description()["about"]): 1})


def perform_here(order: perform.Order) -> perform.Result:
    """Perform the order with this worker's device, as long as somebody wants the result."""
    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    device = own_device()
    return perform.perform(replace(order, gpu=device.uuid or "none"), wanted)
