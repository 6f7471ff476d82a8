"""Keep what a run leaves: its record and executed notebook, or the record of its failure."""

import datetime
import os
from pathlib import Path
from typing import Any

from common import sources
from common.files import write_text
from support.basics.errors import NotPossible
from support.basics.paths import ROOT
from support.basics.text import first_line, without_paths
from support.execution.jobs import Job
from support.execution.running import Running
from support.records import inputs, installation, schema, store
from support.records.store import Record


def keep(one: Running, report: Record) -> Record:
    """Write the record of a run that ended with its report, and its executed notebook.

    Returns the record. Raises ValueError if it would not be valid, OSError if it cannot be
    written; then what was there before stays as it was.
    """
    job = one.job
    since, until = report.pop("clock")
    report["device"] = job.settings.device.name
    report["load"] = one.monitor.summary(since, until)
    report["warnings"] = report["load"]["disturbed"]
    report.update(one.monitor.resources(since, until))
    report["wall_seconds"] = round(one.seconds, 1)
    record = {**report, **_provenance(job), "digests": one.digests}
    problem = schema.problem(record)
    if problem:
        raise ValueError(f"its report is not valid: {problem}")
    # the notebook first: a record never stands without it
    if job.executed_path:
        executed = one.executed.read_text(encoding="utf-8")
        write_text(job.executed_path, without_paths(executed, _folders()))
    store.write(job.record_path, record)
    job.failure_path.unlink(missing_ok=True)
    return record


def keep_failure(job: Job, error: NotPossible, lines: list[str]) -> None:
    """Write the record of a failure, beside what was finished before. Raises OSError."""
    names = _folders()
    record = {
        "framework": job.framework.key,
        "model": job.model,
        "device": job.settings.device.name,
        "device_kind": job.settings.device.kind,
        "data": job.settings.data,
        "epochs": job.key.epochs,  # of the training, as in its file's name
        "precision": job.settings.precision,
        "status": "failed",
        "reason": without_paths(first_line(error.reason), names),
        "remedy": without_paths(error.remedy, names),
        "lines": [without_paths(line, names) for line in lines],
    }
    store.write(job.failure_path, {**record, **_provenance(job)})


def _provenance(job: Job) -> dict[str, Any]:
    """What the runner, rather than the notebook, knows of a run."""
    there = not inputs.problem(job.framework.notebook(job.model))
    ready = job.obstacle() is None and job.environment.is_ready
    environment = {"name": job.environment.name, "digest": "", "packages": {}}
    return {
        "schema": schema.SCHEMA,
        "purpose": job.purpose,
        "tuned": job.framework.tuned,
        "repeat": job.repeat,
        "examples_limit": job.settings.examples,
        "environment": job.environment.describe()
        if ready
        else {"kind": job.environment.kind, **environment},
        "notebook": f"notebooks/{job.framework.notebook(job.model).name}",
        "executed": f"notebooks/{job.executed_path.name}"
        if job.executed_path
        else None,
        "digests": job.digests() if there else {},
        "installation": installation.own(),
        "git_commit": installation.commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="seconds"
        ),
    }


def _folders() -> dict[str, str]:
    """This machine's folders, which are nobody's business, and what stands for them."""
    data = str(Path(sources.data_folder()).resolve())
    return {data: "data", str(ROOT): ".", os.path.expanduser("~"): "~"}
