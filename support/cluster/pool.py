"""A pool performs orders somewhere: on this machine's GPUs here, on a cluster's workers elsewhere."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from support.devices.choose import Device
from support.execution.perform import Order, Result, perform
from support.records import machines


@dataclass(frozen=True)
class Kind:
    """Devices that are alike, on hosts that are alike: they share the work of one machine folder.

    `about` is what machine.json says of them, `device` one of them, `places` where they are.
    """

    about: dict[str, Any]
    device: Device
    places: tuple[str, ...]

    @property
    def name(self) -> str:
        count = f"{len(self.places)} × " if len(self.places) > 1 else ""
        return f"{count}{self.about['device']}"


class Ticket(Protocol):
    """An order that was handed in: a future of the standard library, or one like it."""

    def done(self) -> bool: ...

    def result(self) -> Result: ...


class Pool(Protocol):
    """Where orders are performed."""

    @property
    def kinds(self) -> Sequence[Kind]: ...

    def submit(self, order: Order, kind: Kind) -> Ticket:
        """Have the order performed by one device of the kind."""

    def where(self, ticket: Ticket) -> str:
        """Where it is being performed; "" while it waits."""

    def room(self, kind: Kind) -> int:
        """How many orders its devices can perform at once, as things stand."""

    def close(self) -> None:
        """Give up what has not ended, and end what runs here."""


def grouped(found: Iterable[tuple[str, dict[str, Any], Device]]) -> list[Kind]:
    """The kinds among (place, description, device), in the order of their first."""
    kinds: list[Kind] = []
    for place, about, device in found:
        for number, kind in enumerate(kinds):
            if machines.same(kind.about, about):
                kinds[number] = replace(kind, places=(*kind.places, place))
                break
        else:
            kinds.append(Kind(about, device, (place,)))
    return kinds


class Here:
    """This machine's GPUs, each performing one order at a time."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self.kinds: Sequence[Kind] = grouped(
            (d.uuid, machines.describe(d), d) for d in devices
        )
        self._free: dict[str, queue.SimpleQueue[str]] = {}
        self._executors: dict[str, concurrent.futures.ThreadPoolExecutor] = {}
        for kind in self.kinds:
            first = kind.places[0]
            self._free[first] = queue.SimpleQueue()
            for place in kind.places:
                self._free[first].put(place)
            self._executors[first] = concurrent.futures.ThreadPoolExecutor(
                len(kind.places)
            )
        self._where: dict[Ticket, list[str]] = {}
        self._closing = threading.Event()

    def submit(self, order: Order, kind: Kind) -> Ticket:
        first, where = kind.places[0], list[str]()
        ticket = self._executors[first].submit(self._do, order, first, where)
        self._where[ticket] = where
        return ticket

    def _do(self, order: Order, first: str, where: list[str]) -> Result:
        """Perform the order on a free device, whose place is put into `where`."""
        place = self._free[first].get()
        where.append(place)
        try:
            return perform(
                replace(order, gpu=place), lambda: not self._closing.is_set()
            )
        finally:
            self._free[first].put(place)

    def where(self, ticket: Ticket) -> str:
        return "".join(self._where[ticket])

    def room(self, kind: Kind) -> int:
        return len(kind.places)

    def close(self) -> None:
        self._closing.set()
        for executor in self._executors.values():
            executor.shutdown(wait=True, cancel_futures=True)
