"""The verdict on an installation: is each framework as fast and as accurate as it should be here?

What is judged are the runs made on this machine: those among its results that are not committed
yet, else a short selection that is run for the purpose and kept in results/<machine>/verify, so
that it never replaces a record that others are compared with.
"""

import functools
import json
import math
import statistics
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from common.machine import describe_machine
from common.params import LEARNED
from support import causes, ceilings, expectations, records, tables
from support.jobs import Job

EXPECTED = "as expected"
SLOWER = "slower than expected"
OFF = "accuracy off"
UNKNOWN = "unknown"
WORST_FIRST = (OFF, SLOWER, UNKNOWN, EXPECTED)
SELECTION = ("CNN", "RNN")  # what is run unless models are named
EPOCHS = 1
EXAMPLES = {"CNN": 9600, "RNN": 9600, "Inference": 256}  # on a CPU, which is slow


@dataclass(frozen=True)
class Check(Job):
    """A run to be judged: kept whatever it reports, for that is the evidence."""

    @property
    def folder(self):
        return self.settings.machine_folder / "verify"

    def judge(self, report, exchange):
        return ""

    def state(self):
        """Done only if it was undisturbed, on the machine as it is now."""
        state = super().state()
        record = records.read(self.record_path)
        again = state == "done" and not (_here(record) and _undisturbed([record]))
        return "stale" if again else state


@dataclass
class Subject:
    """A framework's model, and its runs to be judged; `reason` says why there are none."""

    framework: object
    model: str
    runs: list = field(default_factory=list)
    folder: Path | None = None
    reason: str = "no run of it was made here"


@dataclass
class Finding:
    """What is known of a framework's model here."""

    model: str
    status: str
    evidence: list = field(default_factory=list)
    causes: list = field(default_factory=list)


class Verification:
    """What can be judged of these (framework, model) pairs, with these settings.

    `named`: whether the user named models; `again`: whether to run what was run before.
    """

    def __init__(self, pairs, settings, named=False, again=False):
        self._settings, self._again = settings, again
        self._folder = settings.machine_folder
        selected = [pair for pair in pairs if named or pair[1] in SELECTION]
        obstacles = {pair: Job(*pair, settings).obstacle() for pair in pairs}
        self.left_out = {p: obstacles[p] for p in selected if obstacles[p]}
        self._pairs = [pair for pair in pairs if not obstacles[pair]]
        self._selected = [pair for pair in selected if not obstacles[pair]]
        self._references, self._own = expectations.gather(self._folder)

    def jobs(self, repeats=1):
        """What must be run first: whatever has no undisturbed run made here."""
        missing = [
            pair
            for pair in self._selected
            if self._again or not _undisturbed(self._subject(pair).runs)
        ]
        return [
            Check(*pair, self._short(*pair), repeat)
            for repeat in range(1, repeats + 1)
            for pair in missing
        ]

    def _short(self, framework, model):
        """The settings of a run for the purpose, where the user asked for none: short on a CPU, but
        for training of a length that is on record for the device; others are not compared."""
        asked = self._settings
        usual = EXAMPLES[model] if asked.device.kind == "cpu" else None
        wanted = self._identity(framework, model)
        alike = [record for record in self._references.same if _has(record, wanted)]
        limits = {record.get("examples_limit") for record in alike}
        if model in LEARNED["real"] and limits and usual not in limits:
            usual = min(limits, key=lambda limit: limit or math.inf)
        return replace(
            asked,
            epochs=asked.epochs or EPOCHS,
            examples=asked.examples or usual,
        )

    def _identity(self, framework, model):
        """What all records of the pair have in common, whatever their length."""
        return {
            "framework": framework.key,
            "model": model,
            "precision": self._settings.precision,
            "data": self._settings.data,
        }

    def findings(self, failed):
        """Framework -> its findings; `failed` maps jobs to the reasons of their failures."""
        reasons = {(job.framework, job.model): said for job, said in failed.items()}
        found = {}
        for pair in self._pairs:
            subject = self._subject(pair)
            if pair in reasons:
                subject = Subject(*pair, reason=f"its run failed: {reasons[pair]}")
            if subject.runs or pair in self._selected:
                found.setdefault(pair[0], []).append(self._judge(subject))
        return found

    def _judge(self, subject):
        before = ceilings.read(self._folder)
        ceiling = ceilings.read(subject.folder) if subject.folder else {}
        kind = self._settings.device.kind
        return judge(subject, self._references, kind, ceiling, before)

    def _subject(self, pair):
        """The runs to be judged: own results unless they are to be made anew, else the checks."""
        checks = self._folder / "verify"
        sources = {checks: records.read_all(checks)}
        if not self._again:
            sources = {self._folder: self._own, **sources}
        found = []
        for folder, every in sources.items():
            runs = self._current(pair, every)
            if runs:
                found.append(Subject(*pair, runs, folder))
        undisturbed = [subject for subject in found if _undisturbed(subject.runs)]
        return (undisturbed or found or [Subject(*pair)])[0]

    def _current(self, pair, every):
        """The pair's runs that are of today's files and machine; of several settings the longest."""
        wanted = {**self._identity(*pair), "status": "ok"}
        if self._settings.epochs and pair[1] in LEARNED["real"]:
            wanted["epochs"] = self._settings.epochs
        if self._settings.examples:
            wanted["examples_limit"] = self._settings.examples
        runs = [
            record
            for record in every
            if _has(record, wanted)
            and _here(record)
            and record["digests"] == self._digests(pair, record)
        ]
        longest = max(map(_length, runs), default=0)
        return [run for run in runs if _length(run) == longest]

    def _digests(self, pair, record):
        epochs, examples = record["epochs"], record.get("examples_limit")
        settings = replace(self._settings, epochs=epochs, examples=examples)
        return Job(*pair, settings).digests()


def _has(record, wanted):
    return all(record.get(name) == value for name, value in wanted.items())


def _length(run):
    """How many examples the run used in all."""
    return run["examples"] * (run["epochs"] or 1)


@functools.lru_cache
def _machine():
    return describe_machine()


def _here(record):
    """Whether the run was made with the hardware, driver and kernel that are here now."""
    return record["hardware"] == _machine()


def _undisturbed(runs):
    return [run for run in runs if not records.disturbances(run)]


def judge(subject, references, kind, ceiling, before):
    """The Finding of a subject. `kind` is what it was to run on, "cpu" or "gpu"; `ceiling` was
    measured beside the runs, `before` beside the reference."""
    if not subject.runs:
        return Finding(subject.model, UNKNOWN, [subject.reason])
    runs = records.counting(subject.runs)
    expected, unknown = expectations.of_time(runs, references, ceiling)
    verdicts = [
        _device(runs, kind) or _time(runs, expected, unknown),
        _accuracy(runs, references),
    ]
    verdicts = [verdict for verdict in verdicts if verdict]
    finding = Finding(subject.model, worst(status for status, _ in verdicts))
    finding.evidence = [text for _, text in verdicts]
    if finding.status in (SLOWER, OFF):
        based_on = expected.records if expected else []
        finding.causes = causes.likely(runs[-1], based_on, ceiling, before, kind)
    return finding


def worst(statuses):
    """The status of what has all these."""
    return min(statuses, key=WORST_FIRST.index)


def _device(runs, kind):
    used = runs[-1]["device_kind"]
    if used != kind:
        return (
            SLOWER,
            f"ran on the {used.upper()}, and was to run on the {kind.upper()}",
        )
    return None


def _time(runs, expected, unknown):
    """(status, evidence) of the runs' median time."""
    if not expected:
        run = runs[-1]
        return UNKNOWN, f"{tables.number(run['seconds'])} s; {unknown}"
    measure = expected.measure
    taken = statistics.median(expectations.seconds(run, measure) for run in runs)
    evidence = (
        f"{measure} {tables.number(taken)} s; {tables.number(expected.low)}"
        f"–{tables.number(expected.high)} s expected ({expected.basis})"
    )
    disturbed = records.disturbances(runs[-1])
    if taken <= expected.high:
        faster = ", faster" if taken < expected.low else ""
        return EXPECTED, evidence + faster
    if disturbed:
        return UNKNOWN, f"{evidence}; cannot judge: {'; '.join(disturbed)}"
    return SLOWER, evidence


def _accuracy(runs, references):
    """(status, evidence) of the runs' median accuracy; None for inference, which has none."""
    if runs[-1]["accuracy"] is None:
        return None
    status, evidence = _compared_accuracy(runs, references)
    failure = expectations.failure(runs[-1], references) if status == OFF else ""
    if failure:  # then the notebook is to blame rather than the installation
        return UNKNOWN, f"{evidence}; on record it failed as well: {failure}"
    return status, evidence


def _compared_accuracy(runs, references):
    run = runs[-1]
    reached = statistics.median(run["accuracy"] for run in runs)
    expected = expectations.of_accuracy(run, references)
    if not expected:
        floor = LEARNED[run["data"]][run["model"]]
        status = EXPECTED if reached > floor else OFF
        return status, f"accuracy {reached:.1%}; over {floor:.0%} means that it learns"
    low, high, basis = expected
    status = EXPECTED if low <= reached <= high else OFF
    return status, f"accuracy {reached:.1%}; {low:.1%}–{high:.1%} expected ({basis})"


def exit_status(found):
    """0 all as expected, 1 something slower or off, 2 nothing of the kind, but something unknown."""
    statuses = {finding.status for many in found.values() for finding in many}
    if statuses & {SLOWER, OFF}:
        return 1
    return 0 if statuses == {EXPECTED} else 2


def as_text(found, left_out):
    """The verdicts, a block of lines for each framework."""
    lines = []
    for framework, findings in found.items():
        status = worst(finding.status for finding in findings)
        lines.append(f"{framework.label}: {status}")
        for finding in findings:
            lines.append(f"  {finding.model}: {'; '.join(finding.evidence)}")
            lines += [f"    likely cause: {cause}" for cause in finding.causes]
    for (framework, model), reason in left_out.items():
        lines.append(f"left out: {framework.label} {model}: needs {reason}")
    return "\n".join(lines or ["Nothing could be judged."])


def as_json(found, left_out, device):
    """The same for programs."""
    frameworks = {
        framework.key: {
            "label": framework.label,
            "status": worst(finding.status for finding in findings),
            "findings": [asdict(finding) for finding in findings],
        }
        for framework, findings in found.items()
    }
    out = {f"{f.key} {model}": f"needs {why}" for (f, model), why in left_out.items()}
    said = {"device": device.name, "frameworks": frameworks, "left_out": out}
    return json.dumps(said, indent=2)
