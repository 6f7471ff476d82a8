"""Runs: a page for each machine, with tables and charts, and a page for each of its records."""

import re

from support import charts, tables
from support.site import cells, machines, safe
from support.site.tabular import Cell, Table


def write(site, frameworks, found):
    """All pages of the machines."""
    for machine in found:
        groups = tables.grouped(machine.records, frameworks)
        site.page(
            machine.page,
            "machine.html",
            machine=machine,
            about=safe.markdown(machine.about),
            sections=[_section(g, rows, machine) for g, rows in groups.items()],
        )
        for record in machine.records:
            _write_run(site, machine, record, frameworks)


def _write_run(site, machine, record, frameworks):
    framework = frameworks.get(record["framework"])
    site.page(
        record["page"],
        "run.html",
        record=record,
        machine=machine,
        label=framework.label if framework else record["framework"],
        settings=machines.settings(record),
        notebook=cells.read(record["copy"]) if record["copy"] else None,
        facts=_facts(record),
    )


def _section(group, rows, machine):
    head, body = tables.table_cells(group, rows, machine.ceilings)
    linked = [
        [Cell(texts[0], _page(row)), *map(_plain, texts[1:])]
        for row, texts in zip(rows, body)
    ]
    timed = [row for row in rows if row.runs]
    svgs = _charts(group, timed) if timed and not machine.quick else []
    return {"title": group.title, "table": Table(head, linked), "svgs": svgs}


def _page(row):
    return (row.counting[-1] if row.runs else row.failure)["page"]


def _plain(text):
    kind = "failed" if text.startswith("failed: ") else "none" if text == "–" else ""
    return Cell(text, kind=kind)


def time_chart(group, rows):
    """Seconds per framework, the first epoch apart, without the group's title."""
    unit = group.unit.replace("s", "Seconds", 1)
    return safe.own(charts.bars(group, rows, f"{unit}, less is better", style=""))


def _charts(group, rows):
    """Time and, of several frameworks, cold and steady epochs, throughput and accuracy."""
    found = [time_chart(group, rows)]
    if len(rows) < 2:
        return found
    epochs = [
        (row.label, row.median(tables.cold), row.median(tables.steady))
        for row in rows
        if all(len(run["epoch_seconds"]) > 1 for run in row.runs)
    ]
    if epochs:
        names = ("the first, cold", "steady: the median of the others")
        found.append(charts.pairs("Seconds per epoch, less is better", epochs, names))
    rates = [(row.label, row.median(lambda run: run["throughput"])) for row in rows]
    title = f"{group.examples.capitalize()} per second, more is better"
    found.append(charts.rates(title, rates))
    if group.epochs:
        values = [
            (row.label, [run["accuracy"] for run in row.counting]) for row in rows
        ]
        title = "Accuracy on the test set: median and range of the runs"
        found.append(charts.spread(title, values))
    return [safe.own(svg) for svg in found]


def _facts(record):
    """(name, value) of what a reader asks a record first, without what it does not have."""
    accuracy = record.get("accuracy")
    facts = {
        "status": record["status"],
        "reason": record.get("reason"),
        "seconds": record.get("seconds"),
        "seconds of each epoch": _epochs(record),
        "examples per second": record.get("throughput"),
        "accuracy": None if accuracy is None else f"{accuracy:.2%}",
        "versions": _listed(record.get("versions", {})),
        "device": record["device"],
        "hardware": _hardware(record.get("hardware")),
        "settings": machines.settings(record),
        "data": record["data"],
        "weights": record.get("weights"),
        "environment": record.get("environment"),
        "warnings": "; ".join(record.get("warnings", [])),
        "date": re.sub(r"T(\d\d:\d\d).*", r" \1 UTC", record.get("date", "")),
        "commit": record.get("git_commit"),
    }
    return [(name, value) for name, value in facts.items() if value not in (None, "")]


def _epochs(record):
    if record["epochs"]:
        return ", ".join(f"{s:.1f}" for s in record.get("epoch_seconds", []))
    return ""


def _hardware(found):
    if not found:
        return ""
    parts = [found["cpu"], f"{found['cores']} cores", f"{found['memory_gib']} GiB"]
    parts += [f"{gpu['name']} (driver {gpu['driver']})" for gpu in found["gpus"]]
    return ", ".join([*parts, found["system"]])


def _listed(values):
    return ", ".join(f"{name} {value}" for name, value in values.items() if value)
