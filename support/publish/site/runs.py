"""Runs: a page for each record, with what a reader asks of it and its executed notebook."""

import re
from typing import Any

from support.basics.numbers import number
from support.publish.site import cells
from support.publish.site.pages import Site
from support.publish.systems import Machine, in_words


def page(folder: str, run: Any) -> str:
    """The path of a run's page; `folder` is that of the machine's pages."""
    return f"{folder}/{run.path.stem}.html"


def settings(run: Any) -> str:
    """What the run was asked for, in a few words."""
    repeat = run.record["repeat"]
    return run.group.settings + (f", run {repeat}" if repeat > 1 else "")


def write(site: Site, machine: Machine, up: str, run: Any) -> None:
    """The page of a run; `up` is the machine's."""
    site.page(
        page(up.rpartition("/")[0], run),
        "run.html",
        run=run,
        machine=machine,
        up=up,
        settings=settings(run),
        notebook=cells.read_or_none(run.executed) if run.executed else None,
        facts=_facts(run.record, settings(run)),
    )


def _facts(record: dict[str, Any], settings: str) -> list[tuple[str, Any]]:
    """(name, value) of what a reader asks a record first, without what it does not have."""
    accuracy, environment = record.get("accuracy"), record["environment"]
    epochs = record.get("epoch_seconds", []) if record["epochs"] else []
    versions = record.get("versions", {}).items()
    facts = {
        "status": record["status"],
        "reason": record["reason"],
        "seconds": record.get("seconds"),
        "seconds of each epoch": ", ".join(f"{s:.1f}" for s in epochs),
        "examples per second": record.get("throughput"),
        "accuracy": None if accuracy is None else f"{accuracy:.2%}",
        "peak memory": _amount(record.get("peak_memory_mib"), "MiB"),
        "peak GPU memory": _amount(record.get("peak_gpu_memory_mib"), "MiB"),
        **{
            f"energy of the {part.upper()}": _amount(joules, "J")
            for part, joules in record.get("energy_joules", {}).items()
        },
        "versions": ", ".join(f"{name} {value}" for name, value in versions if value),
        "device": record["device"],
        "hardware": in_words(record["hardware"]) if record.get("hardware") else None,
        "settings": settings,
        "data": record["data"],
        "weights": record.get("weights"),
        "environment": ", ".join({environment["kind"]: 0, environment["name"]: 0}),
        "warnings": "; ".join(record.get("warnings", [])),
        "date": re.sub(r"T(\d\d:\d\d).*", r" \1 UTC", record.get("date", "")),
        "commit": record.get("git_commit"),
    }
    return [(name, value) for name, value in facts.items() if value not in (None, "")]


def _amount(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{number(value)} {unit}"
