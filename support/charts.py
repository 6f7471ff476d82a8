"""Charts as small SVGs: text that git can compare, legible in light and dark.

On its own an SVG brings its colours along; within a page (`style=""`) the page's style sheet has
them, by the same class names.
"""

import statistics
from html import escape

WIDTH, LABEL, BAR, GAP, TOP = 720, 170, 20, 10, 40
ROOM = WIDTH - LABEL - 90  # for bars; the rest is for their values
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.bar { fill: #0969da }
.cold { fill: #54aeff }
.whisker { stroke: #24292f; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .whisker { stroke: #e6edf3 } }
"""


def bars(group, rows, title=None, style=STYLE):
    """A horizontal bar per framework, fastest first: seconds, the first (cold) epoch in a lighter blue.

    A line goes from the lowest to the highest of several runs: where lines overlap, the order
    means nothing. `group` has title and unit; `rows` have label, seconds and the runs behind
    them; `title` is for a page that says already what the group is.
    """
    rows = sorted(rows, key=lambda row: row.seconds)
    longest = max(_ends(row)[1] for row in rows)
    height = TOP + len(rows) * (BAR + GAP) + GAP
    title = title or f"{group.title}: {group.unit}, less is better"
    parts = _head(title, height, style, spoken=group.title)
    for index, row in enumerate(rows):
        parts += _bar(row, TOP + index * (BAR + GAP), ROOM / longest)
    return "\n".join([*parts, "</svg>"]) + "\n"


def rates(title, values):
    """A bar per (label, value), the largest first; within a page."""
    values = sorted(values, key=lambda pair: -pair[1])
    largest = max(value for _, value in values)
    parts = _head(title, TOP + len(values) * (BAR + GAP) + GAP)
    for index, (label, value) in enumerate(values):
        y = TOP + index * (BAR + GAP)
        parts += [_label(label, y), *_value_bar(value, y, BAR, ROOM / largest, "bar")]
    return "\n".join([*parts, "</svg>"])


def pairs(title, values, names):
    """Two bars per (label, first, second), named in a legend; within a page."""
    values = sorted(values, key=lambda value: value[2])
    largest = max(max(pair) for _, *pair in values)
    thin, step = BAR // 2 + 2, BAR + GAP + 6
    top = TOP + 24
    parts = _head(title, top + len(values) * step + GAP)
    parts += _legend(names)
    for index, (label, first, second) in enumerate(values):
        y = top + index * step
        parts.append(_label(label, y + 2))
        parts += _value_bar(first, y, thin, ROOM / largest, "cold")
        parts += _value_bar(second, y + thin + 1, thin, ROOM / largest, "bar")
    return "\n".join([*parts, "</svg>"])


def spread(title, values):
    """A dot at the median of each (label, fractions), a line over their range; within a page."""
    values = sorted(values, key=lambda pair: -statistics.median(pair[1]))
    every = [value for _, found in values for value in found]
    low, high = min(every), max(every)
    margin = max(high - low, 0.01) * 0.1
    low, high = low - margin, high + margin
    parts = _head(title, TOP + len(values) * (BAR + GAP) + GAP)
    for index, (label, found) in enumerate(values):
        y = TOP + index * (BAR + GAP)
        middle = y + BAR / 2
        ends = [
            LABEL + (v - low) / (high - low) * ROOM for v in (min(found), max(found))
        ]
        x = LABEL + (statistics.median(found) - low) / (high - low) * ROOM
        parts += [
            _label(label, y),
            f'<path class="rule" d="M{LABEL} {middle}H{LABEL + ROOM}"/>',
            f'<path class="range" d="M{ends[0]:.1f} {middle}H{ends[1]:.1f}"/>',
            f'<circle class="bar" cx="{x:.1f}" cy="{middle}" r="5"/>',
            f'<text x="{LABEL + ROOM + 10}" y="{middle + 5}">{statistics.median(found):.1%}</text>',
        ]
    return "\n".join([*parts, "</svg>"])


def _head(title, height, style="", spoken=None):
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(spoken or title)}">',
        f'<text class="title" x="0" y="20">{escape(title)}</text>',
    ]
    return [parts[0], f"<style>{style}</style>", parts[1]] if style else parts


def _legend(names):
    x = LABEL
    for name, kind in zip(names, ("cold", "bar")):
        yield f'<rect class="{kind}" x="{x}" y="{TOP - 8}" width="12" height="12"/>'
        yield f'<text x="{x + 18}" y="{TOP + 3}">{escape(name)}</text>'
        x += 40 + 7 * len(name)


def _label(label, y):
    return f'<text x="{LABEL - 8}" y="{y + BAR / 2 + 5}" text-anchor="end">{escape(label)}</text>'


def _value_bar(value, y, height, scale, kind):
    width = value * scale
    yield f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{width:.1f}" height="{height}"/>'
    size = "" if height == BAR else ' class="small"'
    text = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    yield f'<text{size} x="{LABEL + width + 6:.1f}" y="{y + height / 2 + (5 if height == BAR else 4)}">{text}</text>'


def _ends(row):
    """The lowest and the highest seconds of a row's runs."""
    return row.range(lambda run: run["seconds"]) or (row.seconds, row.seconds)


def _bar(row, y, scale):
    width = row.seconds * scale
    low, high = (end * scale for end in _ends(row))
    epochs = row.runs[0]["epoch_seconds"]
    cold = (
        row.median(lambda run: run["epoch_seconds"][0]) * scale
        if len(epochs) > 1
        else 0
    )
    middle = y + BAR / 2 + 5
    yield f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end">{escape(row.label)}</text>'
    yield f'<rect class="cold" x="{LABEL}" y="{y}" width="{cold:.1f}" height="{BAR}"/>'
    yield (
        f'<rect class="bar" x="{LABEL + cold:.1f}" y="{y}" width="{width - cold:.1f}" '
        f'height="{BAR}"/>'
    )
    if low < high:
        line = f"M{LABEL + low:.1f} {y + BAR / 2}H{LABEL + high:.1f}"
        yield f'<path class="whisker" d="{line}"/>'
    yield f'<text x="{LABEL + high + 6:.1f}" y="{middle}">{row.seconds:.3g}</text>'
