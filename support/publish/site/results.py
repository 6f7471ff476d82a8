"""Results: machines and the article's GPUs side by side, one by one, and what has run where."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from common.params import MODELS
from support import registry
from support.basics.paths import RESULTS
from support.publish import charts
from support.publish.site import runs, safe
from support.publish.site.pages import Site
from support.publish.systems import Machine, System, article
from support.publish.table import Table
from support.publish.views import frameworks, results
from support.records.key import TITLES, Group


def folder(machine: Machine) -> str:
    """The folder of a machine's pages in the site."""
    return machine.folder.relative_to(RESULTS.parent).as_posix()


def places(machines: Iterable[Machine]) -> dict[str, str]:
    """Which page shows a record or an executed notebook."""
    found = {}
    for machine in machines:
        for run in machine.runs.itertuples():
            page = runs.page(folder(machine), run)
            found[str(run.path)] = page
            if run.executed:
                found[str(run.executed)] = page
    return found


def write(site: Site, machines: Sequence[Machine]) -> None:
    """All pages about results."""
    compared = [*article(), *(machine for machine in machines if not machine.quick)]
    shown = [(machine, f"{folder(machine)}/index.html") for machine in machines]
    for machine, page in shown:
        _write_machine(site, machine, page)
    site.page(
        "results.html",
        "results.html",
        models=[_section(model, compared) for model in MODELS],
        machines=shown,
        pairs=_write_pairs(site, compared),
    )
    site.page(
        "status.html",
        "status.html",
        frameworks=frameworks.table(registry.frameworks().values()),
        machines=[results.status(machine) for machine in machines],
    )


def _section(model: str, compared: Sequence[System]) -> dict[str, Any]:
    """A model's table, and charts of all systems but the article's older GPU."""
    return {
        "id": model,
        "title": TITLES[model],
        "table": results.beside(model, compared),
        "charts": [
            (f"{system.name}: {group.settings}", _time(group, system.groups[group]))
            for system in compared[1:]
            if (group := system.widest(model))
        ],
    }


def _time(group: Group, rows: pd.DataFrame) -> str:
    return safe.own(charts.time(group, rows, style=""))


def _write_machine(site: Site, machine: Machine, page: str) -> None:
    """The page of a machine, and one for each of its records."""
    sections = [_table(machine, *found) for found in machine.groups.items()]
    site.page(page, "machine.html", machine=machine, sections=sections)
    for run in machine.runs.itertuples():
        runs.write(site, machine, page, run)


def _table(machine: Machine, group: Group, rows: pd.DataFrame) -> tuple[Table, list]:
    """A table with its charts, of which generated data have none: they compare nothing."""
    svgs = [] if machine.quick else charts.of_group(group, rows)
    return results.table(group, rows, machine.ceilings), [*map(safe.own, svgs)]


def _write_pairs(site: Site, systems: Iterable[System]) -> list[dict[str, Any]]:
    """A page for each two systems that ran the same; returns what they show."""
    pairs = []
    for one, other in itertools.combinations(systems, 2):
        names, path = (one.name, other.name), f"pairs/{one.slug}--{other.slug}.html"
        both = {
            group: results.in_both(rows, other.groups[group])
            for group, rows in one.groups.items()
            if group in other.groups
        }
        sections = [
            (results.pair(group, found, names), _two(found, names))
            for group, found in both.items()
            if found
        ]
        if sections:
            pairs.append({"path": path, "names": names, "sections": sections})
            site.page(path, "pair.html", pair=pairs[-1])
    return pairs


def _two(both: Sequence[results.Pair], names: Sequence[str]) -> str:
    return safe.own(charts.pairs("Seconds, less is better", both, names))
