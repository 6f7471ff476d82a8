"""Systems: our machines, and the article's GPUs, each with the runs that its tables compare."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from support import registry
from support.ceilings import nominal
from support.ceilings import store as ceilings
from support.publish import descriptions, sources
from support.publish.views import place
from support.records import machines, statistics, store
from support.records.frame import COLUMNS
from support.records.key import PROTOCOL_EPOCHS, Group

# Those that the authors measured on, and the years in which NVIDIA announced them.
ARTICLE_DEVICES = {
    "K80": 2014,
    "M60": 2015,
    "P40": 2016,
    "P100": 2016,
    "V100": 2017,
    "Titan V": 2017,
}


@dataclass(frozen=True)
class System:
    """`slug` is its name in file names, `year` the one in which its GPU was announced, if it is known."""

    name: str
    slug: str
    runs: pd.DataFrame
    year: int | None

    @functools.cached_property
    def groups(self) -> dict[Group, pd.DataFrame]:
        """The groups of its runs, in order, each with its rows; see statistics.summary."""
        return {
            group: statistics.summary(runs)
            for group, runs in statistics.groups(self.runs)
        }

    @functools.cached_property
    def finished(self) -> dict[Group, dict[str, Any]]:
        """Group -> framework -> its row, of those that finished.

        Of a pinned and an installed environment it is the pinned one's.
        """
        return {
            group: {
                row.framework: row
                for _, row in rows.sort_values("environment").iterrows()
                if row["count"]
            }
            for group, rows in self.groups.items()
        }

    def widest(self, model: str) -> Group | None:
        """Its group of the model in which most frameworks have finished; None if none has."""
        finished = {
            group: (rows["count"] > 0).sum() for group, rows in self.groups.items()
        }
        mine = [g for g in finished if g.model == model and not g.tuned and finished[g]]
        return max(mine, key=lambda group: finished[group], default=None)


@dataclass(frozen=True)
class Machine(System):
    """One of our machines, or its runs on generated data, which compare nothing."""

    folder: Path

    @classmethod
    def read(cls, folder: Path) -> Machine:
        """What a results folder holds."""
        runs = sources.runs(folder)
        runs = runs[runs.purpose == "run"]
        name = device_name(folder, runs)
        return cls(name, folder.name, runs, nominal.year(name), folder)

    @property
    def quick(self) -> bool:
        return self.folder.name == "quick"

    @property
    def kind(self) -> str:
        """ "gpu" or "cpu"; "" where nothing says it."""
        said = descriptions.machine(self.folder).get("kind")
        return str(said or _newest(self.runs).get("device_kind") or "")

    @property
    def title(self) -> str:
        return f"{self.name}, generated data" if self.quick else self.name

    @functools.cached_property
    def ceilings(self) -> dict[str, Any]:
        return descriptions.ceilings(self.folder)

    @property
    def about(self) -> list[str]:
        """The hardware, its ceilings and how to read the tables, a text for each paragraph."""
        if self.quick:
            return [QUICK]
        hardware = _hardware(self.folder, self.runs)
        texts = [f"{in_words(hardware)}. {READING}"] if hardware else []
        if self.ceilings:
            texts.append(CEILINGS.format(ceilings.in_words(self.ceilings)))
        return texts


QUICK = "Small generated data: these runs check an installation, they compare nothing."
READING = (
    "Cold is the first epoch, steady the median of the others; throughput is over the whole of "
    "the training. Of several runs the median is shown and, in brackets, the lowest and the "
    "highest; frameworks whose times overlap share a rank, and a single run has none. A run that "
    "other load disturbed counts only where there is no other. A record stands behind each run, and "
    "the executed notebook of the newest one behind each row. Tuned notebooks, the same model and "
    "steps with whatever makes them fast, are apart and never ranked with the others."
)
CEILINGS = (
    "What the device can do at most: {}. “Of ceiling” is the share of the matrix product's FLOP/s "
    "that the training or prediction reaches, in its precision."
)


def measured(folders: Iterable[Path] | None = None) -> list[Machine]:
    """Those of these results folders that have runs; without any, all with runs on real data."""
    chosen = sources.folders() if folders is None else folders
    return [found for found in map(Machine.read, chosen) if len(found.runs)]


def device_name(folder: Path, runs: pd.DataFrame) -> str:
    """What the machine's device is called; the folder's name where nothing says it."""
    named = descriptions.machine(folder).get("device") or _newest(runs).get("device")
    return str(named or machines.home(folder).name)


def _newest(runs: pd.DataFrame) -> dict[str, Any]:
    """The newest finished record; {} where there is none."""
    finished = runs[runs.ok].sort_values("date")
    return finished.iloc[-1].record if len(finished) else {}


def _hardware(folder: Path, runs: pd.DataFrame) -> dict[str, Any]:
    """What machine.json says, as records say it; else what the newest record says."""
    said = descriptions.machine(folder)
    if not {"cpu", "cores", "memory_gib", "system", "device"} <= set(said):
        return _newest(runs).get("hardware", {})
    gpu = {"name": said["device"], "driver": said.get("driver")}
    return {**said, "gpus": [gpu] if said.get("kind") == "gpu" else []}


def in_words(hardware: Mapping[str, Any]) -> str:
    """A record's hardware in one line."""
    gpus = [
        f"{gpu['name']} (driver {gpu['driver']})" if gpu.get("driver") else gpu["name"]
        for gpu in hardware["gpus"]
    ]
    return (
        f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB, "
        f"{hardware['system']}; GPU: {', '.join(gpus) or 'none'}"
    )


def article(devices: Iterable[str] = ARTICLE_DEVICES) -> list[System]:
    """The GPUs of 2018, as far as there are figures; our names for the frameworks."""
    ours = {f.article: f.key for f in registry.frameworks().values()}
    runs = pd.DataFrame(map(_article_run, store.read_article(), itertools.repeat(ours)))
    runs = runs[runs.seconds.notna()].reindex(columns=COLUMNS)
    return [
        System(
            f"{device}, 2018",
            f"{device.lower().replace(' ', '-')}-2018",
            runs[runs.device == device],
            ARTICLE_DEVICES[device],
        )
        for device in devices
    ]


def _article_run(record: store.Record, ours: Mapping[str, str]) -> dict[str, Any]:
    key = ours.get(record["framework"], record["framework"])
    order, label = place(key)
    epochs = PROTOCOL_EPOCHS.get(record["model"])
    group = Group(record["model"], epochs, "fp32")
    names = {"framework": key, "order": order, "label": label, "group": group}
    framework = registry.frameworks().get(key)
    known = {"environment": "pinned", "ok": True, "outdated": False, "disturbed": ""}
    known["state"] = framework.state if framework else ""
    return {**record, **names, **known, "executed": "", "path": ""}
