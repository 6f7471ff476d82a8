"""Records: one JSON file per finished run, and per failure. Nothing here changes one in place."""

import contextlib
import json

from support.paths import RESULTS

REQUIRED = {
    "framework": str,
    "model": str,
    "device": str,
    "data": str,
    "epochs": (int, type(None)),
    "seconds": (int, float),
    "epoch_seconds": list,
    "throughput": (int, float),
    "accuracy": (float, type(None)),
    "parameters": int,
    "versions": dict,
    "status": str,
    "reason": str,
}
# The article's own figures; see results/2018/README.md.
ARTICLE = RESULTS / "2018" / "records.json"


def read(path):
    """The record in the file, or None if there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        record = json.loads(path.read_text(encoding="utf-8"))
        return record if isinstance(record, dict) and "status" in record else None


def read_all(folder):
    """All records of a results folder, finished runs and failures, in the order of their names."""
    found = map(read, sorted((folder / "records").glob("*.json")))
    return [record for record in found if record]


def machines():
    """The results folders that hold records of real runs, by name."""
    return [
        folder.parent for folder in sorted(RESULTS.glob("*/records")) if folder.is_dir()
    ]


def read_article():
    """The 2018 figures: a list of records with framework (the article's name), model, device,
    seconds (None where the article has none), accuracy and cudnn."""
    return json.loads(ARTICLE.read_text(encoding="utf-8"))["records"]


def disturbances(record):
    """What disturbed the run, in words; [] where nothing did, or nothing is known.

    Records from before `disturbed` had no other warnings than these.
    """
    load = record.get("load") or {}
    return load.get("disturbed", record.get("warnings", []))


def counting(runs):
    """The runs that figures are made of: the undisturbed ones, or all where there are none."""
    return [run for run in runs if not disturbances(run)] or list(runs)


def problem(report):
    """What is wrong with what a notebook reported, in one line; "" if nothing is."""
    for name, kind in REQUIRED.items():
        if name not in report:
            return f"its report lacks '{name}'"
        if not isinstance(report[name], kind) or isinstance(report[name], bool):
            return f"its report's '{name}' is {report[name]!r}"
    return ""
