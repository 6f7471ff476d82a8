"""The verdict on an installation, from runs that were made on this machine.

They are this checkout's own among the machine's results, else a short selection that is run for the
purpose and kept in results/<machine>/verify, so that it never replaces a record that others are
compared with.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from common.params import LEARNED
from support.ceilings import store as ceilings_store
from support.ceilings.store import Ceilings
from support.execution.jobs import DONE, STALE, Job, State
from support.execution.settings import Settings
from support.records import store
from support.records.key import RunKey
from support.records.store import Record
from support.verdict.assess import Subject, assess, assess_device
from support.verdict.findings import (
    DeviceFinding,
    Found,
    LeftOut,
    Pair,
    as_json,
    as_text,
    exit_status,
)
from support.verdict.references import gather, is_here, is_own

__all__ = ["Check", "Verification", "as_json", "as_text", "checks", "exit_status"]

SELECTION = ("CNN", "RNN")  # what is run unless models are named
EPOCHS = 1
EXAMPLES = {"CNN": 9600, "RNN": 9600, "Inference": 256}  # on a CPU, which is slow


@dataclass(frozen=True)
class Check(Job):
    """A run to be compared: kept whatever it reports, for that is the evidence."""

    @property
    def folder(self) -> Path:
        return checks(self.settings.folder)

    def find_problem(self, report: Record, exchange: Path) -> str:
        return ""

    def state(self) -> State:
        """Done only if it was undisturbed, on the machine as it is now."""
        state = super().state()
        if state.kind != DONE:
            return state
        record = store.read_or_none(self.record_path)
        usable = record and is_here(record) and _undisturbed([record])
        return state if usable else State(STALE)


def checks(folder: Path) -> Path:
    """Where a machine's folder keeps the runs made for the purpose, and ceilings beside them."""
    return folder / "verify"


class Verification:
    """The verdicts on these (framework, model) pairs, with these settings.

    `named`: whether the user named models; `again`: whether to run what was run before.
    `left_out` has what was asked for and cannot run here.
    """

    def __init__(
        self,
        pairs: list[Pair],
        settings: Settings,
        named: bool = False,
        again: bool = False,
    ) -> None:
        self._settings, self._again = settings, again
        selected = [pair for pair in pairs if named or pair[1] in SELECTION]
        obstacles = {pair: Job(*pair, settings).obstacle() for pair in pairs}
        self.left_out: LeftOut = {
            pair: obstacle for pair in selected if (obstacle := obstacles[pair])
        }
        self._pairs = [pair for pair in pairs if not obstacles[pair]]
        self._selected = [pair for pair in selected if not obstacles[pair]]
        self._references, self._own = gather(settings.device.name, settings.folder)

    def jobs(self, repeats: int = 1) -> list[Check]:
        """What must be run first: whatever has no undisturbed run made here."""
        checked = self._checked()
        missing = [
            pair
            for pair in self._selected
            if self._again or not _undisturbed(self._runs(pair, checked))
        ]
        return [
            Check(*pair, self._short(pair), repeat)
            for repeat in range(1, repeats + 1)
            for pair in missing
        ]

    def _short(self, pair: Pair) -> Settings:
        """The settings of a run for the purpose, where the user asked for none: short on a CPU, but
        for training of a length that is on record for the device; others are not compared."""
        asked, model = self._settings, pair[1]
        usual = EXAMPLES[model] if asked.device.kind == "cpu" else None
        wanted = _any_length(Job(*pair, asked).key)
        limits = {
            record["examples_limit"]
            for record in self._references.same
            if _any_length(RunKey.of(record)) == wanted
        }
        if model in LEARNED["real"] and limits and usual not in limits:
            usual = min(limits, key=lambda limit: limit or math.inf)
        return replace(
            asked,
            epochs=asked.epochs or EPOCHS,
            examples=asked.examples or usual,
        )

    def findings(self, failed: dict[Job, str]) -> Found:
        """Framework -> its findings; `failed` maps jobs to the reasons of their failures."""
        reasons = {(job.framework, job.model): said for job, said in failed.items()}
        ceilings, checked = self._ceilings(), self._checked()
        found: Found = {}
        for pair in self._pairs:
            subject = Subject(pair[1], self._runs(pair, checked))
            if pair in reasons:
                subject = Subject(pair[1], [], f"its run failed: {reasons[pair]}", True)
            if subject.runs or pair in self._selected:
                finding = assess(subject, self._references, ceilings)
                found.setdefault(pair[0], []).append(finding)
        return found

    def device_finding(self) -> DeviceFinding | None:
        """What is known of the device itself; None if nothing is."""
        return assess_device(self._settings.device, self._ceilings())

    def _ceilings(self) -> Ceilings:
        """What was measured here, last of all for this purpose; {} if nothing was."""
        folder = self._settings.folder
        beside_records = ceilings_store.read(folder)
        mine = beside_records if is_own(beside_records) else {}
        return ceilings_store.read(checks(folder)) or mine

    def _checked(self) -> list[Record]:
        """What was run for the purpose and finished."""
        every = store.read_all(checks(self._settings.folder)).values()
        return [record for record in every if record["status"] == "ok"]

    def _runs(self, pair: Pair, checked: list[Record]) -> list[Record]:
        """Those to be compared: own results unless they are to be run again, else those `checked`."""
        sources = [checked] if self._again else [self._own, checked]
        found = [self._current(pair, records) for records in sources]
        undisturbed = [runs for runs in found if _undisturbed(runs)]
        return next((runs for runs in (*undisturbed, *found) if runs), [])

    def _current(self, pair: Pair, records: list[Record]) -> list[Record]:
        """Those of the pair, of today's files and machine; of several settings the longest."""
        runs = [r for r in records if is_here(r) and self._is_asked_for(pair, r)]
        longest = max(map(_length, runs), default=0)
        return [run for run in runs if _length(run) == longest]

    def _is_asked_for(self, pair: Pair, record: Record) -> bool:
        """Whether it is a current run of the pair with the user's settings; what the user did not
        ask for may be any."""
        key, asked = RunKey.of(record), self._settings
        if asked.examples not in (None, key.examples):
            return False
        settings = replace(
            asked, epochs=asked.epochs or key.epochs, examples=key.examples
        )
        job = Job(*pair, settings, key.repeat)
        return job.key == key and job.is_current(record)


def _any_length(key: RunKey) -> RunKey:
    """Without what says how much was run, and where."""
    return replace(key, epochs=None, examples=None, environment="", repeat=1)


def _length(run: Record) -> int:
    """How many examples the run used in all."""
    return run["examples"] * (run["epochs"] or 1)


def _undisturbed(runs: list[Record]) -> list[Record]:
    return [run for run in runs if not store.disturbances(run)]
