"""Charts as small SVGs: text that git can compare, legible in light and dark.

On its own an SVG brings its colours along; within a page (`style=""`) the page's style sheet has
them, by the same class names. Bars and dots stand in the order of their values, best first.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import Any

import pandas as pd

from support.basics.numbers import number
from support.publish.text import one_line
from support.records.key import Group

WIDTH, LABEL, BAR, GAP, TOP = 580, 205, 20, 10, 40
ROOM = WIDTH - LABEL - 90  # for bars; the rest is for their values
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.bar { fill: #0969da }
.cold { fill: #54aeff }
.whisker { stroke: #24292f; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .whisker { stroke: #e6edf3 } }
"""


def of_group(group: Group, rows: pd.DataFrame) -> list[str]:
    """What a page shows of a group's rows: time and, of several frameworks, cold and steady
    epochs, throughput and accuracy."""
    rows = rows[rows["count"] > 0]
    found = [time(group, rows, style="")] if len(rows) else []
    if len(rows) < 2:
        return found
    epochs, known = rows[rows.steady.notna()], rows[rows.accuracy.notna()]
    if len(epochs):
        values = list(zip(epochs.label, epochs.cold, epochs.steady))
        names = ("the first, cold", "steady: the median of the others")
        found.append(pairs("Seconds per epoch, less is better", values, names))
    found.append(_rates(f"{group.noun.capitalize()} per second, more is better", rows))
    return found + ([_accuracies(known)] if len(known) else [])


def time(group: Group, rows: pd.DataFrame, style: str = STYLE) -> str:
    """A bar for each row with finished runs: seconds, the first (cold) epoch in a lighter blue.

    A line goes from the lowest to the highest of several runs: where lines overlap, the order
    means nothing. Within a page the title leaves out the group, which stands above it.
    """
    rows = rows[rows["count"] > 0].sort_values("seconds")
    scale = ROOM / (rows.seconds_high.max() or 1)

    def bar(row: Any, y: float) -> Iterator[str]:
        # a training of one epoch is cold throughout, which says nothing
        cold = 0 if pd.isna(row.steady) else row.cold * scale
        low, high = row.seconds_low * scale, row.seconds_high * scale
        yield _bar("cold", 0, y, cold)
        yield _bar("bar", cold, y, max(row.seconds * scale - cold, 0))
        if low < high:
            line = f"M{LABEL + low:.1f} {y + BAR / 2}H{LABEL + high:.1f}"
            yield f'<path class="whisker" d="{line}"/>'
        yield _value(number(row.seconds), high, y)

    unit = f"{group.title}: {group.unit}" if style else f"Seconds{group.unit[1:]}"
    return _chart(f"{unit}, less is better", rows, bar, style)


def ages(title: str, values: Sequence[tuple[str, float, str]]) -> str:
    """A bar per (label, seconds, remark), in the order given; within a page."""
    rows = pd.DataFrame(values, columns=["label", "seconds", "remark"])
    scale = (ROOM - 90) / (rows.seconds.max() or 1)

    def bar(row: Any, y: float) -> Iterator[str]:
        yield _bar("bar", 0, y, row.seconds * scale)
        text = f"{number(row.seconds)}, {_escaped(row.remark)}"
        yield _value(text, row.seconds * scale, y)

    return _chart(title, rows, bar)


def pairs(
    title: str, values: Sequence[tuple[str, float, float]], names: Sequence[str]
) -> str:
    """Two bars per (label, first, second), named in a legend; within a page."""
    rows = pd.DataFrame(values, columns=["label", "first", "second"])
    scale = ROOM / (rows[["first", "second"]].max().max() or 1)
    thin = BAR // 2 + 2

    def bars(row: Any, y: float) -> Iterator[str]:
        for value, place, kind in (
            (row["first"], y - 2, "cold"),
            (row.second, y + thin - 1, "bar"),
        ):
            yield _bar(kind, 0, place, value * scale, thin)
            yield _value(number(value), value * scale, place, thin)

    rows = rows.sort_values("second", kind="stable")
    return _chart(title, rows, bars, legend="".join(_legend(names)), step=BAR + GAP + 6)


def _rates(title: str, rows: pd.DataFrame) -> str:
    """A bar for the throughput of each row."""
    rows = rows.sort_values("throughput", ascending=False)
    scale = ROOM / (rows.throughput.max() or 1)

    def bar(row: Any, y: float) -> Iterator[str]:
        yield _bar("bar", 0, y, row.throughput * scale)
        yield _value(number(row.throughput), row.throughput * scale, y)

    return _chart(title, rows, bar)


def _accuracies(rows: pd.DataFrame) -> str:
    """A dot at the median of each row, a line over the range of its runs."""
    low, high = rows.accuracy_low.min(), rows.accuracy_high.max()
    margin = max(high - low, 0.01) * 0.1
    scale = ROOM / (high - low + 2 * margin)

    def dot(row: Any, y: float) -> Iterator[str]:
        middle = y + BAR / 2
        start, x, end = (
            LABEL + (value - low + margin) * scale
            for value in (row.accuracy_low, row.accuracy, row.accuracy_high)
        )
        yield f'<path class="rule" d="M{LABEL} {middle}H{LABEL + ROOM}"/>'
        yield f'<path class="range" d="M{start:.1f} {middle}H{end:.1f}"/>'
        yield f'<circle class="bar" cx="{x:.1f}" cy="{middle}" r="5"/>'
        yield _value(f"{row.accuracy:.1%}", ROOM + 4, y)

    title = "Accuracy on the test set: median and range of the runs"
    return _chart(title, rows.sort_values("accuracy", ascending=False), dot)


def _chart(
    title: str,
    rows: pd.DataFrame,
    draw: Callable[[Any, float], Iterable[str]],
    style: str = "",
    legend: str = "",
    step: int = BAR + GAP,
) -> str:
    """The SVG: a title, perhaps a legend, and for each row its label and what `draw` makes of it."""
    top = TOP + (24 if legend else 0)
    height = top + len(rows) * step + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{_escaped(title)}">',
        f"<style>{style}</style>" if style else "",
        f'<text class="title" x="0" y="20">{_escaped(title)}</text>',
        legend,
    ]
    for y, (_, row) in zip(itertools.count(top, step), rows.iterrows()):
        place = f'x="{LABEL - 8}" y="{y + BAR / 2 + 5}" text-anchor="end"'
        parts += [f"<text {place}>{_escaped(row.label)}</text>", *draw(row, y)]
    return "\n".join([*filter(None, parts), "</svg>"]) + "\n"


def _legend(names: Sequence[str]) -> Iterator[str]:
    x = LABEL
    for name, kind in zip(names, ("cold", "bar")):
        yield f'<rect class="{kind}" x="{x}" y="{TOP - 8}" width="12" height="12"/>'
        yield f'<text x="{x + 18}" y="{TOP + 3}">{_escaped(name)}</text>'
        x += 40 + 7 * len(name)


def _escaped(text: str) -> str:
    """Text as an SVG may have it; one with a control character would not be shown."""
    return escape(one_line(text))


def _bar(kind: str, x: float, y: float, width: float, height: int = BAR) -> str:
    return f'<rect class="{kind}" x="{LABEL + x:.1f}" y="{y}" width="{width:.1f}" height="{height}"/>'


def _value(text: str, x: float, y: float, height: int = BAR) -> str:
    """A figure behind a bar that ends at x; small where the bar is thin."""
    small, down = ("", 5) if height == BAR else (' class="small"', 4)
    return f'<text{small} x="{LABEL + x + 6:.1f}" y="{y + height / 2 + down}">{text}</text>'
