"""What a run should take and reach: by records of the same device, else by other devices' shares."""

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from support.basics.numbers import counted, scaled
from support.ceilings import flops
from support.ceilings.store import Ceilings
from support.records import store
from support.records.key import Group, RunKey
from support.records.store import Record
from support.verdict.references import References

# Runs of one notebook on one device differ by up to 15 % between days in the records of this
# repository; the faults that are looked for cost 40 % and more.
TOLERANCE = 1.25
# A framework reaches much the same share on devices of a kind, but not more exactly than this.
ELSEWHERE = 2.0
# Of the test set, beyond the lowest and highest accuracy on record.
ACCURACY = 0.03

# What makes a record stale. Another environment does not: it may be what explains a time.
CHANGES = {"notebook": "its notebook", "common": "common/", "settings": "its settings"}

IMAGES, LATER, FIRST = "1,000 images", "later epochs", "first epoch"  # what is timed


@dataclass(frozen=True)
class Expected:
    """A time, from `low` to `high` seconds, of what `measure` names; `basis` is the evidence in
    words, `records` what it comes from, which is of the same device or of others."""

    low: float
    high: float
    measure: str
    basis: str
    records: list[Record]
    same_device: bool


def of_time(
    runs: list[Record], references: References, ceilings: Ceilings
) -> tuple[Expected | None, str]:
    """(Expected, ""), or (None, why nothing can be expected). `ceilings`: this machine's own."""
    reasons = []
    for attempt in (_by_same_device, _by_shares):
        expected, reason = attempt(runs, references, ceilings)
        if expected:
            return expected, ""
        reasons.append(reason)
    return None, "; ".join(reasons)


def _by_same_device(
    runs: list[Record], references: References, _: Ceilings
) -> tuple[Expected | None, str]:
    run = runs[0]
    alike = [record for record in references.same if _work_of(record) == _work_of(run)]
    if not alike:
        return None, "no record of this device"
    fresh = [record for record in alike if not changes(run, record)]
    if not fresh:
        what = " and ".join(changes(run, alike[-1]))
        return None, f"the record of this device is stale: {what} changed since"
    same_epochs = [record for record in fresh if record["epochs"] == run["epochs"]]
    chosen = store.counting(same_epochs or fresh)
    measure = _measure([*runs, *chosen])
    times = [seconds(record, measure) for record in chosen]
    basis = f"{counted(len(times), 'run')} on record for this device"
    low, high = min(times) / TOLERANCE, max(times) * TOLERANCE
    return Expected(low, high, measure, basis, chosen, True), ""


def _by_shares(
    runs: list[Record], references: References, ceilings: Ceilings
) -> tuple[Expected | None, str]:
    run = runs[0]
    own = ceilings.get("matmul", {}).get(run["precision"])
    if not own:
        return None, "the ceilings of this machine are unknown"
    found = list(_with_ceilings(run, references))
    if not found:
        return None, "no record with ceilings of another device of its kind"
    chosen = [record for record, _ in found]
    measure = _measure([*runs, *chosen])
    shares = [_flops(r) / seconds(r, measure) / most for r, most in found]
    low, high = (_flops(run) / own / share for share in (max(shares), min(shares)))
    basis = (
        f"{min(shares):.1%} to {max(shares):.1%} of the ceiling on "
        f"{counted(len(found), 'record')} of other devices, here {scaled(own)}FLOP/s"
    )
    low, high = low / ELSEWHERE, high * ELSEWHERE
    return Expected(low, high, measure, basis, chosen, False), ""


def _with_ceilings(
    run: Record, references: References
) -> Iterator[tuple[Record, float]]:
    """Undisturbed runs of the same notebook on other devices, with the FLOP/s of their ceilings."""
    for record, ceilings in references.elsewhere:
        most = ceilings.get("matmul", {}).get(run["precision"])
        alike = (
            record["device_kind"] == run["device_kind"]
            and _work_of(record) == _work_of(run)
            and _same_notebook(record, run)
        )
        if most and alike and not store.disturbances(record):
            yield record, most


def _work_of(record: Record) -> tuple[str, Group]:
    """What one epoch does, or inference, whose time is per 1,000 images however many there were."""
    group = RunKey.of(record).group
    examples = group.examples if group.epochs else None
    return record["framework"], replace(group, epochs=None, examples=examples)


def _same_notebook(one: Record, other: Record) -> bool:
    return one["digests"].get("notebook") == other["digests"].get("notebook")


def changes(run: Record, reference: Record) -> list[str]:
    """In words, what the reference depends on and is another for the run."""
    names = dict(CHANGES)
    settings = ("epochs", "examples_limit")
    if any(run[name] != reference[name] for name in settings):
        del names["settings"]  # they contain these
    mine, others = run["digests"], reference["digests"]
    return [text for name, text in names.items() if mine.get(name) != others.get(name)]


def _measure(runs: list[Record]) -> str:
    """What all the runs can be compared by."""
    if runs[0]["epochs"] is None:
        return IMAGES
    return LATER if all(len(run["epoch_seconds"]) > 1 for run in runs) else FIRST


def seconds(run: Record, measure: str) -> float:
    """The run's time for what `measure` names."""
    if measure == IMAGES:
        return run["seconds"]
    epochs = run["epoch_seconds"]
    return statistics.median(epochs[1:]) if measure == LATER else epochs[0]


def _flops(run: Record) -> float:
    """Of one epoch, or of 1,000 images."""
    epochs = run["epochs"]
    examples = run["throughput"] * run["seconds"] / epochs if epochs else 1000
    return examples * flops.per_example(run["model"])


def of_accuracy(
    run: Record, every: Iterable[Record]
) -> tuple[float, float, str] | None:
    """(lowest, highest, basis) by all records of the same training; None if there are none.

    Of any framework and device, as the model is the same on all.
    """
    found = [
        record["accuracy"]
        for record in every
        if _training(record) == _training(run) and record["accuracy"] is not None
    ]
    if not found:
        return None
    return min(found) - ACCURACY, max(found) + ACCURACY, f"{len(found)} on record"


def _training(record: Record) -> Group:
    """Tuned notebooks train the same model."""
    return replace(RunKey.of(record).group, tuned=False)


def failure(run: Record, failures: Iterable[Record]) -> str:
    """Why the same training failed on record, whatever the device; "" if it did not."""
    for record in failures:
        same = record["framework"] == run["framework"]
        same = same and RunKey.of(record).group == RunKey.of(run).group
        if same and _same_notebook(record, run):
            return record["reason"]
    return ""
