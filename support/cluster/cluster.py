"""A Dask cluster as a pool: a scheduler that runs already, or workers started through Slurm.

Dask spreads the orders over the workers, gives them to others when a worker is lost, and takes in
workers that come later. What each worker offers is in worker.py.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from dask import config
from distributed import Client, Future
from distributed.security import Security

from support.basics.errors import NotPossible, UsageError
from support.basics.paths import ROOT
from support.cluster import worker
from support.cluster.pool import Kind, Ticket, grouped
from support.execution.perform import Order, Result
from support.records import installation

PATIENCE = 20.0  # seconds to reach the scheduler
PLACED = 5.0  # seconds for Dask to give an order to a worker that is free
QUEUED = 600.0  # seconds for a cluster to start its first worker
ATTEMPTS = 3  # workers that an order may lose before it is given up
SLURM = "slurm"
# Words of `--on slurm:…` that are dask-jobqueue's; all others become options of sbatch.
KNOWN = {"partition": "queue", "account": "account", "cpus": "job_cpu"}
KNOWN |= {"memory": "memory", "walltime": "walltime", "interface": "interface"}
SCHEME = ("tcp://", "tls://", "ucx://", "ws://", "wss://")

Say = Callable[[str], None]


class Cluster:
    """The workers of a Dask cluster that have this checkout's code, grouped by device."""

    def __init__(self, where: str, say: Say) -> None:
        # an order that loses its worker goes to another one, but not for ever
        config.set({"distributed.scheduler.allowed-failures": ATTEMPTS - 1})
        logging.getLogger("distributed").setLevel(logging.ERROR)
        self._own: Any = None
        if where.startswith(SCHEME):
            self._client = _connected(where)
        elif where.partition(":")[0] == SLURM:
            self._own = slurm(where.partition(":")[2])
            self._client = Client(self._own)
        else:
            known = ", ".join([*SCHEME, f"{SLURM}:"])
            raise UsageError(f"--on {where}: an address begins with one of {known}")
        try:
            self._wait(where, say)
            self.descriptions = self._described()
            self._client.register_plugin(worker.Offer(worker.code_digest()))
        except BaseException:
            self.close()
            raise
        self.kinds: Sequence[Kind] = grouped(
            (address, about["about"], about["device"])
            for address, about in self.descriptions.items()
        )
        self._futures: list[Future] = []

    def _wait(self, where: str, say: Say) -> None:
        if not self._client.scheduler_info(n_workers=-1)["workers"]:
            say(f"Waiting for the first worker of {where} ...")
            try:
                self._client.wait_for_workers(
                    1, timeout=QUEUED if self._own else PATIENCE
                )
            except TimeoutError:
                raise NotPossible(f"{where} has no workers") from None

    def _described(self) -> dict[str, dict[str, Any]]:
        """Address -> what that worker is. UsageError if its code is not ours."""
        try:
            found = self._client.run(worker.description)
        except ModuleNotFoundError as error:
            raise UsageError(
                f"a worker cannot import this repository ({error}); start it by "
                "`python run_all.py worker ADDRESS` in a checkout there"
            ) from None
        for address, about in found.items():
            if about["code"] != worker.code_digest():
                mine = installation.commit() or "no commit"
                raise UsageError(
                    f"the worker {address} on {about['host']} has other code: commit "
                    f"{about['commit'] or 'unknown'} there, {mine} here; check the same out "
                    "on both"
                )
        return dict(sorted(found.items()))

    def submit(self, order: Order, kind: Kind) -> Ticket:
        return Submitted(self, order, kind)

    def send(self, order: Order, kind: Kind) -> Future:
        """Give the order to Dask."""
        resources = {worker.resource(kind.about): 1}
        future = self._client.submit(
            worker.perform_here, order, resources=resources, pure=False
        )
        self._futures.append(future)
        return future

    def where(self, ticket: Ticket) -> str:
        assert isinstance(ticket, Submitted)
        processing = self._client.processing()
        found = next((a for a, keys in processing.items() if ticket.key in keys), "")
        ticket.note(found)
        return found

    def room(self, kind: Kind) -> int:
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        asked = worker.resource(kind.about)
        return sum(asked in (one.get("resources") or {}) for one in workers)

    def close(self) -> None:
        """Give up what has not ended; workers end what they run for us, and stay."""
        self._client.cancel(getattr(self, "_futures", []), force=True)
        self._client.close()
        if self._own:
            self._own.close()


class Submitted:
    """An order that Dask has. What stands at no worker although there are some is sent once more.

    Dask places a task again when its worker is lost; but if there was no other at that moment, it
    does not look at it when one that joins later makes its offer.
    """

    def __init__(self, cluster: Cluster, order: Order, kind: Kind) -> None:
        self._cluster, self._order, self._kind = cluster, order, kind
        self._future = cluster.send(order, kind)
        self._seen = time.monotonic()  # at a worker

    @property
    def key(self) -> str:
        return str(self._future.key)

    def done(self) -> bool:
        return bool(self._future.done())

    def result(self) -> Result:
        return self._future.result()

    def note(self, where: str) -> None:
        """The worker that has it now, "" if none has."""
        now = time.monotonic()
        if where or not self._cluster.room(self._kind):
            self._seen = now
        elif now - self._seen > PLACED and not self.done():
            self._future.cancel()
            self._future = self._cluster.send(self._order, self._kind)
            self._seen = now


def _connected(address: str) -> Client:
    """A client of the scheduler; TLS certificates are those of Dask's own configuration."""
    try:
        return Client(address, timeout=PATIENCE, security=Security())
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise NotPossible(f"no Dask scheduler answers at {address}: {reason}") from None


def slurm(words: str) -> Any:
    """A cluster whose workers are Slurm jobs: `jobs=4,partition=gpu,gres=gpu:1,walltime=02:00:00`.

    Each job is one worker in this checkout, which its node must see at the same path.
    """
    from dask_jobqueue import SLURMCluster

    options = _parsed(words)
    try:
        count = int(options.pop("jobs", "1"))
    except ValueError:
        raise UsageError("--on slurm: jobs= is a number") from None
    own: dict[str, Any] = {
        KNOWN[name]: text for name, text in options.items() if name in KNOWN
    }
    rest = {name: text for name, text in options.items() if name not in KNOWN}
    if "job_cpu" in own:
        own["job_cpu"] = int(own["job_cpu"])
    own.setdefault("memory", "8 GB")
    cluster = SLURMCluster(
        **own,
        cores=1,  # a worker does one thing at a time, whatever its job has
        processes=1,
        python=sys.executable,
        job_extra_directives=[f"--{name}={text}" for name, text in rest.items()],
        job_script_prologue=[f"cd '{ROOT}'", f"export PYTHONPATH='{ROOT}'"],
        worker_extra_args=["--no-dashboard", "--memory-limit", "0"],
        scheduler_options={"dashboard_address": "127.0.0.1:0"},
        log_directory=None,
    )
    cluster.scale(jobs=count)
    return cluster


def _parsed(words: str) -> dict[str, str]:
    found = {}
    for word in filter(None, words.split(",")):
        name, sign, text = word.partition("=")
        if not sign or (not name.isidentifier() and "-" not in name):
            raise UsageError(f"--on slurm: '{word}' should be NAME=VALUE")
        found[name] = text
    return found
