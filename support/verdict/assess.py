"""The verdict on a framework's runs, and on the device that they ran on."""

import statistics
from dataclasses import dataclass, field

from common.params import LEARNED
from support.basics.numbers import number
from support.ceilings import nominal
from support.ceilings.store import Ceilings
from support.devices.choose import Device
from support.records import store
from support.records.store import Record
from support.verdict import causes, expectations
from support.verdict.expectations import Expected
from support.verdict.findings import (
    EXPECTED,
    FAILED,
    OFF,
    SLOWER,
    UNKNOWN,
    DeviceFinding,
    Finding,
    worst,
)
from support.verdict.references import References

Said = tuple[str, str]  # a status and its evidence
TENSOR_CORES = ("tf32", "bf16", "fp16")  # what they are for
OF_A_DEVICE = "its clocks, its power limit, or another process"
OF_PRODUCTS = f"{OF_A_DEVICE}, or a build without kernels for tensor cores"


@dataclass
class Subject:
    """A model, and the runs of it to be compared; `reason` says why there are none, `failed` whether
    that is because one failed."""

    model: str
    runs: list[Record] = field(default_factory=list)
    reason: str = "no run of it was made here"
    failed: bool = False


def assess(subject: Subject, references: References, ceilings: Ceilings) -> Finding:
    """The finding about a subject; `ceilings` are those measured here."""
    if not subject.runs:
        status = FAILED if subject.failed else UNKNOWN
        return Finding(subject.model, status, [subject.reason])
    runs = store.counting(subject.runs)
    expected, unknown = expectations.of_time(runs, references, ceilings)
    verdicts = [
        _time(runs, expected, unknown),
        *_accuracy(runs, references),
    ]
    statuses = {status for status, _ in verdicts}
    finding = Finding(subject.model, worst(statuses), [text for _, text in verdicts])
    run = runs[-1]
    if expected and SLOWER in statuses:
        on_record = references.ceilings
        finding.causes += causes.of_slowness(run, expected, ceilings, on_record)
    elif expected:
        where = finding.causes if OFF in statuses else finding.evidence
        where += causes.differences(run, expected)
    return finding


def _time(runs: list[Record], expected: Expected | None, unknown: str) -> Said:
    """Of the runs' median time."""
    if not expected:
        return UNKNOWN, f"{number(runs[-1]['seconds'])} s; {unknown}"
    measure = expected.measure
    taken = statistics.median(expectations.seconds(run, measure) for run in runs)
    evidence = (
        f"{measure} {number(taken)} s; {number(expected.low)}"
        f"–{number(expected.high)} s expected ({expected.basis})"
    )
    if taken <= expected.high:
        faster = ", faster" if taken < expected.low else ""
        return EXPECTED, evidence + faster
    disturbed = store.disturbances(runs[-1])
    if disturbed:
        return UNKNOWN, f"{evidence}; cannot decide: {'; '.join(disturbed)}"
    return SLOWER, evidence


def _accuracy(runs: list[Record], references: References) -> list[Said]:
    """Of the runs' median accuracy; [] for inference, which has none."""
    if runs[-1]["accuracy"] is None:
        return []
    status, evidence = _compared_accuracy(runs, references)
    on_record = expectations.failure(runs[-1], references.failures)
    if status == OFF and on_record:
        # then the notebook is to blame rather than the installation
        return [(UNKNOWN, f"{evidence}; on record it failed as well: {on_record}")]
    return [(status, evidence)]


def _compared_accuracy(runs: list[Record], references: References) -> Said:
    run = runs[-1]
    reached = statistics.median(run["accuracy"] for run in runs)
    expected = expectations.of_accuracy(run, references.every)
    if not expected:
        floor = LEARNED[run["data"]][run["model"]]
        status = EXPECTED if reached > floor else OFF
        return status, f"accuracy {reached:.1%}; over {floor:.0%} means that it learns"
    low, high, basis = expected
    status = EXPECTED if low <= reached <= high else OFF
    return status, f"accuracy {reached:.1%}; {low:.1%}–{high:.1%} expected ({basis})"


def assess_device(device: Device, ceilings: Ceilings) -> DeviceFinding | None:
    """The finding about the device by what was measured here; None if nothing was, or if the peaks
    of such a device are unknown."""
    peaks = nominal.peaks_of(device)
    compared = nominal.compare(ceilings, peaks) if peaks else []
    if not compared or not peaks:
        return None
    low = [one.what for one in compared if one.is_low]
    evidence = [f"{', '.join(map(str, compared))}; peaks from: {peaks.source}"]
    if not low:
        return DeviceFinding(device.name, EXPECTED, evidence)
    least = f"{nominal.LOW:.0%} of the peak of {' and '.join(low)}"
    evidence.append(f"the device itself is slow: it does not reach {least}")
    products = set(low) & set(TENSOR_CORES)
    cause = OF_PRODUCTS if products else OF_A_DEVICE
    return DeviceFinding(device.name, SLOWER, evidence, [cause])
