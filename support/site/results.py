"""Results: the article's tables with our machines beside them, and the way to everything else."""

from support import tables
from support.site import pairs, runs, systems
from support.site.tabular import NONE, Cell, Table


def write(site, frameworks, found):
    """All pages about results; `found` are the machines."""
    article = systems.article(frameworks)
    measured = systems.measured(found, frameworks)
    runs.write(site, frameworks, found)
    site.page(
        "results.html",
        "results.html",
        models=[_section(m, article, measured, frameworks) for m in tables.TITLES],
        machines=found,
        pairs=pairs.write(site, article + measured),
    )


def _section(model, article, measured, frameworks):
    """A model's table, and a chart of the article's newer GPU and of each machine."""
    columns = [
        (_heading(system, group), group.unit, rows)
        for system in article + measured
        for group, rows in system.groups.items()
        if group.model == model
    ]
    return {
        "id": model,
        "title": tables.TITLES[model],
        "table": _table(columns, frameworks),
        "charts": list(_charts(model, [article[-1], *measured])),
    }


def _charts(model, compared):
    for system in compared:
        group = system.widest(model)
        timed = [row for row in system.groups.get(group, {}).values() if row.runs]
        if timed:
            yield _heading(system, group), runs.time_chart(group, timed)


def _heading(system, group):
    return f"{system.name}: {group.title.partition(', ')[2]}"


def _table(columns, frameworks):
    """A row for each framework; the columns of every system and group side by side."""
    groups, head = [("", 1)], ["framework"]
    for heading, unit, rows in columns:
        names = [unit, "accuracy"] if _has_accuracy(rows) else [unit]
        groups.append((heading, len(names)))
        head += names
    labels = [framework.label for framework in frameworks.values()]
    labels += [label for *_, rows in columns for label in rows]
    body = [_row(label, columns) for label in dict.fromkeys(labels)]
    return Table(head, body, groups)


def _row(label, columns):
    line = [Cell(label)]
    for *_, rows in columns:
        row = rows.get(label)
        line.append(_time(row))
        if _has_accuracy(rows):
            line.append(_accuracy(row))
    return line


def _has_accuracy(rows):
    return any(run.get("accuracy") for row in rows.values() for run in row.runs)


def _time(row):
    if row is None:
        return NONE
    if not row.runs:
        return Cell("failed", row.failure["page"], "failed")
    text = row.figure(tables.headline, tables.number)
    return Cell(text, row.counting[-1].get("page", ""))


def _accuracy(row):
    if row is None or not row.runs or row.runs[0]["accuracy"] is None:
        return NONE
    return Cell(f"{row.median(lambda run: run['accuracy']):.1%}")
