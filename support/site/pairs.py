"""Pairs: two systems compared, a page for each two that ran the same."""

import itertools

from support import charts, tables
from support.site import safe
from support.site.tabular import Cell, Table


def write(site, systems):
    """All pages; returns what they show, for links to them."""
    pairs = [_pair(*two) for two in itertools.combinations(systems, 2)]
    pairs = [pair for pair in pairs if pair["sections"]]
    for pair in pairs:
        site.page(pair["path"], "pair.html", pair=pair)
    return pairs


def _pair(one, other):
    names = (one.name, other.name)
    sections = []
    for group in one.groups:
        both = _both(one.groups[group], other.groups.get(group, {}))
        if both:
            sections.append(_section(group, both, names))
    path = f"results/{one.slug}--{other.slug}.html"
    return {"path": path, "names": names, "sections": sections}


def _both(first, second):
    """(label, seconds, seconds) of the frameworks that ran on both."""
    return [
        (label, row.seconds, second[label].seconds)
        for label, row in first.items()
        if row.runs and label in second and second[label].runs
    ]


def _section(group, both, names):
    head = ["framework", *(f"{name}, {group.unit}" for name in names), "ratio"]
    body = [
        [Cell(label), *map(_number, times), Cell(f"{times[0] / times[1]:.2f}")]
        for label, *times in both
    ]
    svg = safe.own(charts.pairs("Seconds, less is better", both, names))
    return {"title": group.title, "table": Table(head, body), "svg": svg}


def _number(seconds):
    return Cell(tables.number(seconds))
