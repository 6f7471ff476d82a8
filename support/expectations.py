"""What a run should take and reach: by the records of the same device, else by other devices' shares.

Records that git has are the reference; those that it does not have yet were made here, and are
what may be judged. Without git all are taken for the reference.
"""

import json
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from support import ceilings, flops, records
from support.paths import ROOT

# Runs of one notebook on one device differ by up to 15 % between days in the records of this
# repository; the faults that are looked for cost 40 % and more.
TOLERANCE = 1.25
# A framework reaches much the same share on devices of a kind, but not more exactly than this.
ELSEWHERE = 2.0
# Of the test set, beyond the lowest and highest accuracy on record.
ACCURACY = 0.03

CHANGES = {
    "notebook": "its notebook",
    "common": "common/",
    "environment": "the pins",
    "settings": "its settings",
}


@dataclass(frozen=True)
class References:
    """Finished runs of the same device, and of others with the ceilings measured there; and failures."""

    same: list
    elsewhere: list  # (record, ceilings)
    failures: list = field(default_factory=list)

    @property
    def every(self):
        return [*self.same, *(record for record, _ in self.elsewhere)]


@dataclass(frozen=True)
class Expected:
    """A time, from `low` to `high` seconds, of what `measure` names; `basis` is the evidence in words."""

    low: float
    high: float
    measure: str
    basis: str
    records: list


def gather(folder):
    """(References, own runs) for the machine with this results folder."""
    same, own = committed_and_own(folder)
    elsewhere = [
        (record, ceilings.read(other))
        for other in records.machines()
        if other != folder
        for record in records.read_all(other)
    ]
    every = [*same, *(record for record, _ in elsewhere)]
    references = References(
        [record for record in same if record["status"] == "ok"],
        [pair for pair in elsewhere if pair[0]["status"] == "ok"],
        [record for record in every if record["status"] != "ok"],
    )
    return references, [record for record in own if record["status"] == "ok"]


def committed_and_own(folder):
    """(the records that git has, those made here since) of a results folder."""
    committed, own = [], []
    changed = _changed(folder / "records")
    for path in sorted((folder / "records").glob("*.json")):
        record = records.read(path)
        if path.name in changed:
            own.append(record)
            record = _as_committed(path)
        committed.append(record)
    return tuple(list(filter(None, found)) for found in (committed, own))


def _changed(folder):
    """Names of the files that are not what git has; none where git cannot tell."""
    told = _git("status", "--porcelain", "--untracked-files=all", "--", str(folder))
    return {Path(line[3:].strip('"')).name for line in told.splitlines()}


def _as_committed(path):
    text = _git("show", f"HEAD:./{path.relative_to(ROOT).as_posix()}")
    return json.loads(text) if text else None


def _git(*arguments):
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout
    except OSError:  # no git
        return ""


def of_time(runs, references, ceiling):
    """(Expected, ""), or (None, why nothing can be expected). `ceiling`: this machine's own."""
    expected, reasons = None, []
    for attempt in (_by_same_device, _by_shares):
        expected, reason = attempt(runs, references, ceiling)
        if expected:
            return expected, ""
        reasons.append(reason)
    return None, "; ".join(reasons)


def _by_same_device(runs, references, _):
    alike = [r for r in references.same if _alike(r, runs[0])]
    if not alike:
        return None, "no record of this device"
    fresh = [r for r in alike if not changes(runs[0], r)]
    if not fresh:
        what = " and ".join(changes(runs[0], alike[-1]))
        return None, f"the record of this device is stale: {what} changed since"
    same_epochs = [r for r in fresh if r["epochs"] == runs[0]["epochs"]]
    chosen = records.counting(same_epochs or fresh)
    measure = _measure([*runs, *chosen])
    times = [seconds(run, measure) for run in chosen]
    count = f"{len(times)} run{'s' if len(times) > 1 else ''}"
    basis = f"{count} on record for this device"
    low, high = min(times) / TOLERANCE, max(times) * TOLERANCE
    return Expected(low, high, measure, basis, chosen), ""


def _by_shares(runs, references, ceiling):
    run = runs[0]
    own = ceiling.get("matmul", {}).get(run["precision"])
    if not own:
        return None, "the ceilings of this machine are unknown"
    found = [
        (record, there["matmul"][run["precision"]])
        for record, there in references.elsewhere
        if run["precision"] in there.get("matmul", {})
        and record["device_kind"] == run["device_kind"]
        and _alike(record, run)
        and record["digests"].get("notebook") == run["digests"].get("notebook")
        and not records.disturbances(record)
    ]
    if not found:
        return None, "no record with ceilings of another device of its kind"
    chosen = [record for record, _ in found]
    measure = _measure([*runs, *chosen])
    shares = [_work(r) / seconds(r, measure) / most for r, most in found]
    low, high = (_work(run) / own / share for share in (max(shares), min(shares)))
    basis = (
        f"{min(shares):.1%} to {max(shares):.1%} of the ceiling on {len(found)} record"
        f"{'s' if len(found) > 1 else ''} of other devices, here {own / 1e9:.3g} GFLOP/s"
    )
    return Expected(low / ELSEWHERE, high * ELSEWHERE, measure, basis, chosen), ""


def _alike(record, run):
    names = ["framework", "model", "precision", "data"]
    if run["epochs"]:  # inference is per 1,000 images, however many there were
        names.append("examples_limit")
    return _same(names, record, run)


def _same(names, record, run):
    """Whether both have the same under these names; what neither has is the same."""
    return all(record.get(name) == run.get(name) for name in names)


def changes(run, reference):
    """In words, what the reference depends on and is another for the run."""
    names = dict(CHANGES)
    if not _same(("epochs", "examples_limit"), run, reference):
        del names["settings"]  # they contain these
    mine, others = run["digests"], reference["digests"]
    return [text for name, text in names.items() if mine.get(name) != others.get(name)]


def _measure(runs):
    """What all the runs can be compared by."""
    if runs[0]["epochs"] is None:
        return "1,000 images"
    steady = all(len(run["epoch_seconds"]) > 1 for run in runs)
    return "later epochs" if steady else "first epoch"


def seconds(run, measure):
    """The run's time for what `measure` names."""
    if measure == "1,000 images":
        return run["seconds"]
    epochs = run["epoch_seconds"]
    return statistics.median(epochs[1:]) if measure == "later epochs" else epochs[0]


def _work(run):
    """FLOPs of one epoch, or of 1,000 images."""
    epochs = run["epochs"]
    examples = run["throughput"] * run["seconds"] / epochs if epochs else 1000
    return examples * flops.per_example(run["model"])


def of_accuracy(run, references):
    """(lowest, highest, basis) by all records of the same training; None if there are none.

    Of any framework and device, as the model is the same on all.
    """
    names = ("model", "epochs", "examples_limit", "precision", "data")
    found = [
        record["accuracy"]
        for record in references.every
        if _same(names, record, run) and record["accuracy"] is not None
    ]
    if not found:
        return None
    return min(found) - ACCURACY, max(found) + ACCURACY, f"{len(found)} on record"


def failure(run, references):
    """Why the same training failed on record, whatever the device; "" if it did not."""
    for record in references.failures:
        same = _alike(record, run) and record["epochs"] == run["epochs"]
        if same and record["digests"].get("notebook") == run["digests"].get("notebook"):
            return record["reason"]
    return ""
