"""All records as one pandas DataFrame, a row for each run, which tables and verdicts are made from.

    from support.records.frame import load
    runs = load()
    runs[runs.ok].groupby(["machine", "group", "label"], sort=False).seconds.median()

Columns, their types, and what is in them:

    machine              text         the name of the machine's folder
    folder, path         Path         the folder that was read, and the record's file
    framework, label     text         the framework's key, and what tables call it
    order                int          its place in tables
    state                text         "living" or "archived", "" if the framework is unknown here
    model, tuned         text, bool
    data, precision      text         "real" or "quick", "fp32" and the like
    epochs               Int64        of the training; missing for inference
    examples_limit       Int64        missing where all examples are used
    environment          text         its kind, "pinned" or "installed"
    environment_name     text
    purpose, repeat      text, int    "run", or which proof; counts from 1
    ok, reason           bool, text   whether it finished, and why not
    device, device_kind  text         its name, and "cpu" or "gpu"
    seconds              float        of the whole training, or per 1,000 images
    cold, steady         float        seconds of the first epoch, and the median of the others
    throughput           float        examples per second
    accuracy             float        a share of the test set; missing for inference
    parameters           Int64
    version              text         the framework's name and version
    weights              text         where the initial weights come from
    peak_memory_mib      float        of the notebook's processes
    peak_gpu_memory_mib  float
    cpu_joules           float        energy while the clock ran, as gpu_joules
    gpu_joules           float
    disturbed            text         what disturbed the run, "" if nothing did
    outdated             bool         whether the notebook's code has changed since
    executed             Path         the executed notebook; None if it is not kept
    date                 text         when the run ended, UTC, in ISO 8601
    git_commit           text
    group                Group        what may be compared with it; see key.py
    record               dict         the whole record

What a failed run has not is missing: NaN, <NA> or None.
"""

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from support import registry
from support.basics.paths import RESULTS
from support.records import inputs, machines, store
from support.records.key import RunKey
from support.records.store import Record


def load(folders: Iterable[Path] | None = None) -> pd.DataFrame:
    """The records of these results folders; without any, of all machines' runs on real data."""
    chosen = store.machines(RESULTS) if folders is None else folders
    rows = [
        _row(folder, path, record)
        for folder in chosen
        for path, record in store.read_all(folder).items()
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype(TYPES)


def _row(folder: Path, path: Path, record: Record) -> dict[str, Any]:
    known = registry.frameworks()
    framework = known.get(record["framework"])
    energy = record.get("energy_joules") or {}
    return {
        "machine": machines.home(folder).name,
        "folder": folder,
        "path": path,
        "framework": record["framework"],
        "label": _label(record, framework),
        "order": list(known).index(record["framework"]) if framework else len(known),
        "state": framework.state if framework else "",
        **{name: record.get(name) for name in COPIED},
        "environment": record["environment"]["kind"],
        "environment_name": record["environment"]["name"],
        "ok": record["status"] == "ok",
        "cold": cold(record),
        "steady": steady(record),
        "version": " ".join(next(iter(record.get("versions", {}).items()), ())),
        "cpu_joules": energy.get("cpu"),
        "gpu_joules": energy.get("gpu"),
        "disturbed": "; ".join(store.disturbances(record)),
        "outdated": _outdated(record, framework),
        "executed": _executed(folder, record),
        "group": RunKey.of(record).group,
        "record": record,
    }


COPIED = (
    "model",
    "tuned",
    "data",
    "epochs",
    "examples_limit",
    "precision",
    "purpose",
    "repeat",
    "reason",
    "device",
    "device_kind",
    "seconds",
    "throughput",
    "accuracy",
    "parameters",
    "weights",
    "peak_memory_mib",
    "peak_gpu_memory_mib",
    "date",
    "git_commit",
)
COLUMNS = [
    *("machine", "folder", "path", "framework", "label", "order", "state", *COPIED),
    *(
        "environment",
        "environment_name",
        "ok",
        "cold",
        "steady",
        "version",
        "cpu_joules",
    ),
    *("gpu_joules", "disturbed", "outdated", "executed", "group", "record"),
]
FIGURES = (
    *("seconds", "cold", "steady", "throughput", "accuracy"),
    *("peak_memory_mib", "peak_gpu_memory_mib", "cpu_joules", "gpu_joules"),
)
TYPES: dict[str, Any] = {
    **dict.fromkeys(("ok", "outdated", "tuned"), bool),
    **dict.fromkeys(("order", "repeat"), "int64"),
    **dict.fromkeys(("epochs", "examples_limit", "parameters"), "Int64"),
    **dict.fromkeys(FIGURES, float),
}


def cold(record: Record) -> float | None:
    """Seconds of the first epoch, compilation and auto-tuning included; None without epochs."""
    epochs = record.get("epoch_seconds")
    return epochs[0] if epochs and record["epochs"] else None


def steady(record: Record) -> float | None:
    """Seconds of a later epoch: their median; None where there is none."""
    later = record.get("epoch_seconds", [])[1:]
    return statistics.median(later) if later and record["epochs"] else None


def _label(record: Record, framework: registry.Framework | None) -> str:
    label = framework.label if framework else record["framework"]
    installed = record["environment"]["kind"] == "installed"
    return f"{label}, installed" if installed else label


def _outdated(record: Record, framework: registry.Framework | None) -> bool:
    """Whether the notebook's code is known to have changed since the run.

    The digest of a mistake is that of its copy, with which nothing is to be compared.
    """
    then = record["digests"].get("notebook")
    finished = record["status"] == "ok" and "mistake" not in record
    if framework is None or then is None or not finished:
        return False
    return inputs.digests_of(framework, record["model"]).get("notebook", then) != then


def _executed(folder: Path, record: Record) -> Path | None:
    path = folder / "notebooks" / Path(record.get("executed") or "").name
    return path if path.is_file() and not path.is_symlink() else None
