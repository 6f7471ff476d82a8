"""Charts as small SVG files: text that git can compare, legible in light and dark."""

from html import escape

WIDTH, LABEL, BAR, GAP, TOP = 720, 170, 20, 10, 40
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.bar { fill: #0969da }
.cold { fill: #54aeff }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
"""


def bars(group, rows):
    """A horizontal bar per framework, fastest first: seconds, the first (cold) epoch in a lighter blue.

    `group` has title and unit; `rows` have label, seconds and the runs behind them.
    """
    rows = sorted(rows, key=lambda row: row.seconds)
    longest = max(row.seconds for row in rows)
    height = TOP + len(rows) * (BAR + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(group.title)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="20">{escape(group.title)}: {group.unit}, less is better</text>',
    ]
    for index, row in enumerate(rows):
        parts += _bar(row, TOP + index * (BAR + GAP), (WIDTH - LABEL - 90) / longest)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(row, y, scale):
    width = row.seconds * scale
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
    yield f'<text x="{LABEL + width + 6:.1f}" y="{middle}">{row.seconds:.3g}</text>'
