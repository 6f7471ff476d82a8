"""Runs: a page for each record, with what a reader asks of it and its executed notebook."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from support import registry
from support.basics.numbers import number
from support.publish.site import cells
from support.publish.site.pages import Site
from support.publish.systems import Machine, in_words
from support.publish.text import one_line


def page(folder: str, run: Any) -> str:
    """The path of a run's page; `folder` is that of the machine's pages."""
    return f"{folder}/{run.path.stem}.html"


def settings(run: Any) -> str:
    """What the run was asked for, in a few words."""
    repeat = run.record["repeat"]
    return run.group.settings + (f", run {repeat}" if repeat > 1 else "")


def write(site: Site, machine: Machine, up: str, run: Any) -> None:
    """The page of a run, and its record; `up` is the machine's page."""
    here = page(up.rpartition("/")[0], run)
    record = here.removesuffix(".html") + ".json"
    site.copy(run.path, record)
    site.page(
        here,
        "run.html",
        static=True,
        prose=site.place(str(_notebook(run))),
        raw=record,
        command=command(run),
        citation=_citation(run, machine),
        run=run,
        machine=machine,
        up=up,
        settings=settings(run),
        notebook=cells.read_or_none(run.executed) if run.executed else None,
        facts=_facts(run.record, settings(run)),
    )


def _notebook(run: Any) -> Path | None:
    """The notebook that was run; None for a framework that the registry does not have."""
    framework = registry.frameworks().get(run.framework)
    return framework.notebook(run.model) if framework else None


def command(run: Any) -> str:
    """What repeats the run, on such a machine."""
    asked = {
        "-f": run.framework,
        "-m": run.model,
        "--epochs": None if pd.isna(run.epochs) else run.epochs,
        "--examples": None if pd.isna(run.examples_limit) else run.examples_limit,
        "--precision": run.precision,
    }
    words = ["python run_all.py run"]
    words += [f"{name} {value}" for name, value in asked.items() if value is not None]
    words += ["--gpu none"] if run.device_kind == "cpu" else []
    words += ["--here"] if run.environment == "installed" else []
    words += ["--quick"] if run.data == "quick" else []
    return " ".join(words)


def _citation(run: Any, machine: Machine) -> str:
    """How to cite the run."""
    date, commit = str(run.date or "")[:10], str(run.git_commit or "")[:10]
    parts = [
        f"{run.label}, {run.model}, {settings(run)}, on {machine.name}",
        "Rosetta Stone of deep-learning frameworks",
        f"measured {date}" if date else "",
        f"commit {commit}" if commit else "",
    ]
    return one_line(", ".join(filter(None, parts)))


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
