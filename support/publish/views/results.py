"""Results: a machine's tables, systems side by side, and what has run where.

A row is one of statistics.summary, a run one of the frame.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from common.params import MODELS
from support.basics.numbers import number, percent
from support.ceilings import store
from support.publish.systems import Machine, System
from support.publish.table import (
    BLANK,
    EMPTY,
    NONE,
    OUTDATED,
    Cell,
    Column,
    Table,
    made_of,
)
from support.publish.views import evidence, failure, lines
from support.records.key import TITLES, Group, protocol
from support.records.statistics import counting

Show = Callable[[float], str]
in_percent: Show = "{:.1%}".format
# The columns that a narrow terminal leaves out, the first one first.
MINOR = (
    *("CPU energy (kJ)", "GPU energy (kJ)", "peak GPU memory (GiB)"),
    *("peak memory (GiB)", "of ceiling", "version", "cold", "steady", "runs", "rank"),
)


def _per(divisor: int) -> Show:
    return lambda value: number(value / divisor)


def table(group: Group, rows: pd.DataFrame, ceilings: dict[str, Any]) -> Table:
    """A machine's table of one group."""
    installed = "installed" in set(rows.environment)
    fastest = rows.seconds.min()
    columns: dict[str, Column] = {
        "framework": _label,
        "environment": lambda row: Cell(row.environment) if installed else BLANK,
        "rank": lambda row: Cell(row["rank"]) if row["rank"] else EMPTY,
        group.unit: _figure("seconds", number),
        "of fastest": lambda row: _times(row.seconds, fastest),
        "cold": _figure("cold", number),
        "steady": _figure("steady", number),
        f"{group.noun}/s": median_of("throughput", number),
        "of ceiling": partial(_share, ceilings=ceilings),
        "accuracy": _figure("accuracy", in_percent),
        "peak memory (GiB)": median_of("peak_memory_mib", _per(1024)),
        "peak GPU memory (GiB)": median_of("peak_gpu_memory_mib", _per(1024)),
        "CPU energy (kJ)": median_of("cpu_joules", _per(1000)),
        "GPU energy (kJ)": median_of("gpu_joules", _per(1000)),
        "version": version_of,
        "runs": _runs,
        "remarks": _remarks,
    }
    minor = (*MINOR, f"{group.noun}/s", "of fastest")
    return replace(made_of(group.title, each(rows), columns), minor=minor)


def _runs(row: Any) -> Cell:
    """How many count, of those that finished; the article says of its figures neither."""
    ours = bool(row["last"].path)
    return Cell(f"{row['count']} of {row.finished}") if ours else EMPTY


def _times(seconds: float, fastest: float) -> Cell:
    """How many times as long as the fastest it took."""
    known = fastest and not pd.isna(seconds)
    return Cell(f"{seconds / fastest:.2f}×") if known else EMPTY


def each(rows: pd.DataFrame) -> Iterator[Any]:
    return (row for _, row in rows.iterrows())


def _label(row: Any) -> Cell:
    return Cell(row.label, evidence(row["last"]), OUTDATED if row.outdated else "")


def _figure(name: str, show: Show, spread: bool = True) -> Column:
    """The median and, of several runs, the range: 63.7 (62.9–65.1)."""

    def column(row: Any) -> Cell:
        if row is None or pd.isna(row[name]):
            return EMPTY
        text = show(row[name])
        if spread and row["count"] > 1:
            text += f" ({show(row[name + '_low'])}–{show(row[name + '_high'])})"
        return Cell(text)

    return column


median_of = partial(_figure, spread=False)


def _share(row: Any, ceilings: dict[str, Any]) -> Cell:
    """Of the ceiling, at the median throughput."""
    if not ceilings:
        return EMPTY
    record = {**row["last"].record, "throughput": row.throughput}
    share = store.share(record, ceilings)
    return EMPTY if share is None or pd.isna(share) else Cell(percent(share))


def version_of(row: Any) -> Cell:
    """The versions that ran, of several the newest last."""
    runs = row.counted.sort_values("date")
    versions = ", ".join(dict.fromkeys(v for v in runs.version if pd.notna(v) and v))
    return Cell(versions) if versions else EMPTY


def _remarks(row: Any) -> Cell:
    """Why there is no figure; else what is to be known of the runs that count, and why others do not."""
    if not row["count"]:
        return failure(row["last"])
    last = row["last"]
    if last.data != "real":  # neither its weights nor its time matter
        return BLANK
    remarks = []
    if last.model == "Inference" and isinstance(last.weights, str):
        remarks.append(f"weights: {last.weights}")
    for index, disturbed in row.runs[row.runs.ok].disturbed.items():
        left_out = "" if index in row.counted.index else "left out: "
        remarks += [left_out + disturbed] if disturbed else []
    return Cell("; ".join(dict.fromkeys(remarks))) if remarks else BLANK


def beside(model: str, systems: Iterable[System]) -> Table:
    """Systems side by side: a row for each framework, the columns of each of their groups."""
    found = [
        (f"{system.name}: {group.settings}", group, rows)
        for system in systems
        for group, rows in system.groups.items()
        if group.model == model and not group.tuned
    ]
    labels = lines([rows for *_, rows in found], [model])
    head, groups = ["framework"], [("", 1)]
    body = [[Cell(label)] for label in labels.values()]
    for heading, group, rows in found:
        by_key = {(row.framework, row.environment): row for row in each(rows)}
        part = made_of("", [by_key.get(key) for key in labels], _beside(group))
        groups.append((heading, len(part.head)))
        head += part.head
        for line, cells in zip(body, part.body):
            line += cells
    return Table(TITLES[model], head, body, groups)


def _beside(group: Group) -> dict[str, Column]:
    """The columns of one group; a row may be None."""
    return {
        group.unit: time_of,
        f"{group.noun}/s": median_of("throughput", number),
        "accuracy": median_of("accuracy", in_percent),
    }


def time_of(row: Any) -> Cell:
    if row is None:
        return EMPTY
    if not row["count"]:
        return failure(row["last"])
    text = _figure("seconds", number)(row).text
    return Cell(text, evidence(row["last"]), OUTDATED if row.outdated else "")


def overview(model: str, then: System, machines: Iterable[Machine]) -> Table:
    """Our fastest GPU and the CPU with most frameworks of today, beside a GPU of 2018.

    A row is a framework, from whichever kind of environment it ran in; the accuracy is that of the
    protocol's training, ours if there is one.
    """
    machines = list(machines)
    whole = protocol(model)
    gpus = [m for m in machines if m.kind == "gpu" and whole in m.groups]
    gpu = min(gpus, key=lambda m: m.groups[whole].seconds.min(), default=None)
    cpus = [(m, g) for m in machines if m.kind == "cpu" and (g := m.widest(model))]
    cpu = max(cpus, key=lambda pair: _finished(*pair), default=None)
    trained = [m.groups[whole] for m in machines if whole in m.groups]
    head, columns = ["framework", f"{then.name} (s)"], [_seconds(then.finished[whole])]
    if gpu:
        head.append(f"{gpu.name} (s)")
        columns.append(_seconds(gpu.finished[whole]))
    if cpu:
        machine, group = cpu
        head.append(f"{machine.name}, {group.settings} (s)")
        columns.append(_seconds(machine.finished[group]))
    head.append("accuracy")
    columns.append(_accuracies([*trained, then.groups[whole]]))
    keys = lines([], [model])
    body = [
        [Cell(label), *(cells.get(key, EMPTY) for cells in columns)]
        for (key, _), label in keys.items()
    ]
    said = [row for row in body if any(cell.kind != NONE for cell in row[1:])]
    return Table(TITLES[model], head, said)


def _finished(machine: Machine, group: Group) -> tuple[int, int]:
    """How many frameworks have finished, first those whose notebooks are still the same."""
    rows = machine.groups[group]
    finished = rows["count"] > 0
    return int((finished & ~rows.outdated).sum()), int(finished.sum())


def _seconds(rows: Mapping[str, Any]) -> dict[str, Cell]:
    """Framework -> its time."""
    return {framework: time_of(row) for framework, row in rows.items()}


def _accuracies(tables: Iterable[pd.DataFrame]) -> dict[str, Cell]:
    """Framework -> the accuracy in the first of these tables that has one."""
    found: dict[str, Cell] = {}
    for rows in tables:
        for row in each(rows):
            if row["count"] and not pd.isna(row["accuracy"]):
                found.setdefault(row.framework, median_of("accuracy", in_percent)(row))
    return found


def status(machine: Machine) -> Table:
    """How many runs each framework and model has finished, or why none."""
    runs = dict(list(machine.runs.groupby(["framework", "environment", "model"])))
    labels = lines([machine.runs], MODELS)
    body = [
        [Cell(label), *(_done(runs.get((*key, model))) for model in MODELS)]
        for key, label in labels.items()
    ]
    return Table(machine.title, ["framework", *MODELS], body)


def _done(runs: pd.DataFrame | None) -> Cell:
    """How many runs finished in each precision: ✓ 3 of 3 fp32, 1 of 1 bf16."""
    if runs is None:
        return EMPTY
    counted = counting(runs)
    newest = (
        (counted if len(counted) else runs)
        .sort_values("date", na_position="first")
        .iloc[-1]
    )
    if not newest.ok:
        return failure(newest)
    counts = [
        f"{int(found.ok.sum())} of {len(found)} {precision}"
        for precision, found in runs.groupby("precision", sort=False)
    ]
    return Cell(f"✓ {', '.join(counts)}", evidence(newest))
