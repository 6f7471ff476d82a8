"""Comparisons: two systems, two frameworks, and each GPU's best, in tables and in sentences."""

import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from support.basics.numbers import number
from support.publish.systems import Machine, System
from support.publish.table import EMPTY, Cell, Table
from support.publish.views.results import (
    each,
    in_percent,
    median_of,
    time_of,
    version_of,
)
from support.records.key import Group, protocol

Names = Mapping[str, str]  # key -> label
Pair = tuple[str, float, float]  # label, seconds of the one, seconds of the other


def in_both(one: pd.DataFrame, other: pd.DataFrame) -> list[Pair]:
    """The frameworks that finished in both tables.

    An installed one is compared with a pinned one only where there is no other.
    """
    one, other = one[one["count"] > 0], other[other["count"] > 0]
    alike = one.merge(other, on=["framework", "environment"])
    rest = one[~one.framework.isin(alike.framework)].merge(other, on="framework")
    found = [*alike.itertuples(), *rest.itertuples()]
    labels = ["; ".join(dict.fromkeys([row.label_x, row.label_y])) for row in found]
    return [(name, row.seconds_x, row.seconds_y) for name, row in zip(labels, found)]


def pair(group: Group, both: Iterable[Pair], names: Iterable[str]) -> Table:
    """Two systems' seconds, and their ratio."""
    head = ["framework", *(f"{name}, {group.unit}" for name in names), "ratio"]
    body = [
        [Cell(label), Cell(number(one)), Cell(number(other)), _ratio(one, other)]
        for label, one, other in both
    ]
    return Table(group.title, head, body)


def of_frameworks(machine: Machine, keys: Collection[str]) -> Table:
    """A line for each group in which one of the frameworks finished on the machine."""
    several = len(keys) > 1
    body = [
        [
            Cell(group.title),
            *([Cell(row.label)] if several else []),
            time_of(row),
            median_of("throughput", number)(row),
            median_of("accuracy", in_percent)(row),
            version_of(row),
        ]
        for group, rows in machine.finished.items()
        for key, row in rows.items()
        if key in keys
    ]
    head = ["run", *(["framework"] if several else []), "seconds", "examples/s"]
    return Table(machine.name, [*head, "accuracy", "version"], body)


def of_two(machine: Machine, known: Names, needed: Names) -> Table:
    """What two sets of frameworks (key -> label) took on one machine, with the same settings.

    A line for each two that both finished, for each model the protocol's setting or else the first
    in which any did; a ratio above one: the second was faster.
    """
    body = []
    shared = {
        group: timed
        for group, timed in machine.finished.items()
        if timed.keys() & set(known) and timed.keys() & set(needed)
    }
    for group in _main_settings(shared):
        timed = shared[group]
        for one, other in itertools.product(known, needed):
            if one in timed and other in timed:
                labels = [Cell(known[one]), Cell(needed[other])]
                times = [timed[one], timed[other]]
                cells = itertools.chain(*zip(labels, map(time_of, times)))
                ratio = _ratio(*(row.seconds for row in times))
                body.append([Cell(group.title), *cells, ratio])
    head = ["run", "framework", "seconds", "framework", "seconds", "ratio"]
    return Table(machine.name, head, body)


def _main_settings(groups: Iterable[Group]) -> list[Group]:
    """For each model the protocol's own setting in fp32 if it is there, else the first."""
    found: dict[str, Group] = {}
    for group in groups:
        if group == protocol(group.model) or group.model not in found:
            found[group.model] = group
    return list(found.values())


def _ratio(one: float, other: float) -> Cell:
    return Cell(f"{one / other:.2f}") if other else EMPTY


def caption(system: System, rows: pd.DataFrame) -> str:
    """Where, when and with which versions the figures of these rows were measured."""
    counted = pd.concat([row.counted for row in each(rows)]) if len(rows) else rows
    dates = sorted(str(date)[:10] for date in counted.get("date", []) if pd.notna(date))
    versions = dict.fromkeys(v for v in counted.get("version", []) if pd.notna(v) and v)
    days = " to ".join(dict.fromkeys([dates[0], dates[-1]])) if dates else ""
    return ". ".join(filter(None, [system.name, days, ", ".join(versions)]))


def story(model: str, then: System, machines: Iterable[Machine]) -> str:
    """In a sentence: the fastest framework of the fastest GPU, how sure that is, and how it was in 2018.

    "" where no machine has a finished training or prediction of the protocol.
    """
    whole = protocol(model)
    known = [m for m in machines if m.kind == "gpu" and m.finished.get(whole)]
    best = [(min(m.finished[whole].values(), key=_duration), m) for m in known]
    if not best:
        return ""
    row, machine = min(best, key=lambda pair: _duration(pair[0]))
    low, high = number(row.seconds_low), number(row.seconds_high)
    spread = (
        f"the median of {row['count']} runs between {low} and {high}"
        if row["count"] > 1
        else "a single run, so nothing is known of its spread"
    )
    text = (
        f"Fastest on the {machine.name}, {whole.settings}: {_project(row)} with "
        f"{number(row.seconds)} {whole.unit} ({spread})"
    )
    if row.outdated:
        text += ", measured with an earlier version of its notebook"
    old = then.finished.get(whole)
    if old:
        first = min(old.values(), key=_duration)
        ratio = first.seconds / row.seconds
        text += (
            f"; in 2018, on the {then.name.removesuffix(', 2018')}, it was {_project(first)} with "
            f"{number(first.seconds)} s, {number(ratio)} times as long"
        )
    return f"{text}."


def _project(row: Any) -> str:
    """The label without the kind of environment."""
    return str(row.label).removesuffix(", installed")


def _duration(row: Any) -> float:
    return float(row.seconds)


def by_year(model: str, systems: Iterable[System]) -> list[tuple[str, float, str]]:
    """(year and GPU, seconds, framework) of each GPU's fastest fp32 run of the protocol, by age."""
    whole = protocol(model)
    found = []
    for system in systems:
        rows = system.finished.get(whole)
        if rows and system.year:
            best = min(rows.values(), key=_duration)
            name = system.name.removesuffix(", 2018").removeprefix("NVIDIA ")
            found.append((f"{system.year} {name}", best.seconds, _project(best)))
    return sorted(found, key=lambda one: one[0])
