"""Perform one order on the machine where this is called: run a notebook, and return what it left.

    result = perform(Order("PyTorch", "CNN"))

What goes in and comes out is plain data and bytes, so it can travel between machines that share no
file system. The notebook is run by the local runner (see runner.py), in a process of its own and with
a scratch folder for results: environment, data, ceilings, load watching and execution are the same
as in any local run. The caller keeps what comes back; see `keep`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from common.files import write_json, write_text
from support.basics import locks
from support.basics.paths import ROOT, RUNS
from support.basics.processes import end_tree, end_with
from support.basics.text import last_lines
from support.execution.jobs import Job
from support.records import machines, schema

POLL = 0.2  # seconds between two looks at the process
LAST_LINES = 20
# Where a result's files may lie within a machine's folder.
PLACE = re.compile(r"(quick/)?(records/[\w.-]+\.json|notebooks/[\w.-]+\.ipynb)", re.A)
SHARED = "other notebooks ran on its host meanwhile"
DONE, FAILED, STOPPED = "done", "failed", "stopped"


@dataclass(frozen=True)
class Order:
    """What is to be run. `gpu` is a uuid, "none" for the CPU, or None for whatever is free.

    `at_once` is how many notebooks may run on a host at the same time, None for any number;
    `ceilings` are those of such a device, if they are known already.
    """

    framework: str
    model: str
    repeat: int = 1
    data: str = "real"
    precision: str = "fp32"
    epochs: int | None = None
    examples: int | None = None
    python: str | None = None
    gpu: str | None = None
    timeout: float = 7200.0
    at_once: int | None = 1
    ceilings: str = ""


@dataclass(frozen=True)
class Result:
    """What became of an order: DONE, FAILED, or STOPPED when it was no longer wanted.

    `files` are the record or the record of the failure and the executed notebook, by their paths
    in a machine's folder; `machine` and `ceilings` are the folder's own files.
    """

    status: str
    message: str
    files: dict[str, str] = field(default_factory=dict)
    machine: str = ""
    ceilings: str = ""
    lines: tuple[str, ...] = ()


def order_of(job: Job, timeout: float, at_once: int | None) -> Order:
    """The order that asks for the job, with the ceilings that its folder has."""
    settings = job.settings
    ceilings = settings.folder / "ceilings.json"
    installed = settings.installed
    return Order(
        framework=job.framework.key,
        model=job.model,
        repeat=job.repeat,
        data=settings.data,
        precision=settings.precision,
        epochs=settings.epochs,
        examples=settings.examples,
        python=shlex.join(installed.words) if installed else None,
        gpu=settings.device.uuid or "none",
        timeout=timeout,
        at_once=at_once,
        ceilings=ceilings.read_text(encoding="utf-8") if ceilings.is_file() else "",
    )


def perform(order: Order, wanted: Callable[[], bool] = lambda: True) -> Result:
    """Run the notebook here and now, and return what it left.

    Ends it, with everything that it started, as soon as `wanted` says no.
    """
    RUNS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="order-", dir=RUNS) as scratch:
        folder = Path(scratch)
        write_json(folder / "order.json", asdict(order))
        with _slot(order.at_once, wanted) as shares:
            if not wanted():
                return Result(STOPPED, "no longer wanted")
            shared = _run(folder, wanted, shares)
        return _result(folder, shared)


def _run(
    folder: Path, wanted: Callable[[], bool], shares: Callable[[], bool]
) -> bool | None:
    """Run the process; returns whether its host was shared, None if it was stopped."""
    command = [sys.executable, "-m", "support.execution.perform", str(folder)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    shared = False
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if not wanted():
                    return None
                shared = shared or shares()
                time.sleep(POLL)
        finally:
            if process.poll() is None:
                end_tree(process.pid)
    return shared


def _result(folder: Path, shared: bool | None) -> Result:
    """What the process left in the folder."""
    lines = last_lines((folder / "log").read_text("utf-8", "replace"), LAST_LINES)
    if shared is None:
        return Result(STOPPED, "no longer wanted", lines=tuple(lines))
    try:
        outcome = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        reason = lines[-1] if lines else "its process left nothing"
        return Result(FAILED, reason, lines=tuple(lines))
    results = folder / "results"
    files = {
        path.relative_to(results).as_posix(): path.read_text(encoding="utf-8")
        for part in ("records", "notebooks")
        for path in sorted(results.rglob(f"{part}/*"))
        if path.is_file()
    }
    if shared:
        files = {name: _with_note(name, text) for name, text in files.items()}
    top = {
        name: path.read_text(encoding="utf-8") if path.is_file() else ""
        for name in ("machine", "ceilings")
        for path in [results / f"{name}.json"]
    }
    return Result(**outcome, files=files, lines=tuple(lines), **top)


def _with_note(name: str, text: str) -> str:
    """A record that says that its host was shared; any other file as it is."""
    if not name.endswith(".json"):
        return text
    record = json.loads(text)
    if "load" in record:
        record["load"]["disturbed"].append(SHARED)
        record["warnings"].append(SHARED)
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


@contextlib.contextmanager
def _slot(
    at_once: int | None, wanted: Callable[[], bool]
) -> Iterator[Callable[[], bool]]:
    """One of the host's places for notebooks, as soon as one is free.

    Yields what says whether another place is taken. Without a limit there are no places.
    """
    if at_once is None:
        yield lambda: False
        return
    folder = locks.shared_folder()
    places = [folder / f"rosetta-place-{number}.lock" for number in range(at_once)]
    while wanted():
        for place in places:
            with contextlib.ExitStack() as stack:
                if locks.taken(place, stack):
                    others = [one for one in places if one != place]
                    yield lambda: not all(map(locks.is_free, others))  # noqa: B023
                    return
        time.sleep(POLL)
    yield lambda: False


def keep(result: Result, folder: Path, failure: Path) -> None:
    """Write what a result holds into the machine's folder: the notebook first, so that no record
    stands without it. A failure leaves what was finished before as it was. Raises OSError, and
    ValueError for what is no result; then nothing is written.
    """
    for name, text in result.files.items():
        _check(name, text, result.status)
    for name in sorted(result.files, key=lambda name: "records" in name.split("/")):
        write_text(folder / name, result.files[name])
    if result.status == DONE:
        failure.unlink(missing_ok=True)
    if result.machine and machines.read(folder) != json.loads(result.machine):
        write_text(folder / "machine.json", result.machine)
    if result.ceilings and not (folder / "ceilings.json").exists():
        write_text(folder / "ceilings.json", result.ceilings)


def _check(name: str, text: str, status: str) -> None:
    """Raises ValueError for a file that has no place among results, or is no valid record there."""
    if not PLACE.fullmatch(name):
        raise ValueError(f"{name} is no place of a result")
    if "records" in name.split("/") and status == DONE:
        problem = schema.problem(json.loads(text))
        if problem:
            raise ValueError(f"{name} is no valid record: {problem}")


class _Lines:
    """A display that prints what is said, for the log."""

    def say(self, line: str) -> None:
        print(line, flush=True)

    def update(self, job: Job, state: str, detail: str) -> None:
        if state != "running":
            print(f"{job.name}: {state}: {detail}", flush=True)


def main(folder: Path) -> None:
    """Carry out the order that lies in the folder, by the local runner."""
    from support import registry
    from support.devices import choose
    from support.environments import Installed
    from support.execution import runner
    from support.execution.settings import Settings

    end_with(os.getppid())
    order = Order(**json.loads((folder / "order.json").read_text(encoding="utf-8")))
    display = _Lines()
    results = folder / "results"
    if order.ceilings:
        write_text(results / "ceilings.json", order.ceilings)
    settings = Settings(
        device=choose.choose(order.gpu, display.say),
        folder=results,
        data=order.data,
        precision=order.precision,
        epochs=order.epochs,
        examples=order.examples,
        installed=Installed.of(order.python) if order.python else None,
    )
    job = Job(
        registry.frameworks()[order.framework], order.model, settings, order.repeat
    )
    limits = runner.Limits(order.at_once or 1, order.timeout, force=True)
    outcomes = runner.run([job], limits, display)
    if job in outcomes.failed:
        outcome = {"status": FAILED, "message": outcomes.failed[job]}
    else:
        record = json.loads(job.record_path.read_text(encoding="utf-8"))
        words = [job.headline(record), *record["warnings"]]
        outcome = {"status": DONE, "message": "; ".join(words)}
    write_json(folder / "outcome.json", outcome)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
