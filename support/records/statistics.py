"""What several runs of one thing say together: medians, ranges, ranks. From the DataFrame of frame.py.

A run that other load disturbed counts only where there is no other.
"""

from collections.abc import Iterator

import pandas as pd

from support.records.key import Group

FIGURES = (
    *("seconds", "cold", "steady", "throughput", "accuracy"),
    *("peak_memory_mib", "peak_gpu_memory_mib", "cpu_joules", "gpu_joules"),
)
SPREADS = [f"{figure}_{end}" for figure in FIGURES for end in ("low", "high")]
ROW = ["framework", "environment"]  # what is one row of a group's table
COLUMNS = [
    *("label", "order", "state", *ROW, "count", "finished", *FIGURES, *SPREADS),
    *("rank", "outdated", "last", "counted", "runs"),
]


def groups(runs: pd.DataFrame) -> Iterator[tuple[Group, pd.DataFrame]]:
    """The groups that may be compared, in the order of their tables, each with its runs."""
    for group in sorted(set(runs.group), key=lambda group: group.order):
        yield group, runs[runs.group == group]


def counting(runs: pd.DataFrame) -> pd.DataFrame:
    """The finished runs that figures are made of."""
    finished = runs[runs.ok]
    undisturbed = finished[finished.disturbed == ""]
    return undisturbed if len(undisturbed) else finished


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """A group's rows: one for each framework and kind of environment, in the tables' order.

    `label`, `order`, `state`, `framework` and `environment` are those of its runs. For each figure
    there is its median, `<figure>_low` and `<figure>_high`. `count` runs count of `finished` ones;
    `rank` is "" where it is unknown; `outdated` says whether any of those that count is. `last` is
    the newest run that counts, or the newest failure where none has finished; `counted` and `runs`
    are those that count and all of them.
    """
    rows = [_summarised(found) for _, found in runs.groupby(ROW, sort=False)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    known = ranks(table)
    table["rank"] = [known.get(place, "") for place in table.index]
    return table.sort_values(["order", "label"]).reset_index(drop=True)


def _summarised(runs: pd.DataFrame) -> dict:
    counted = counting(runs)
    newest = (counted if len(counted) else runs).sort_values(
        "date", na_position="first"
    )
    row = {
        "label": runs.label.iloc[0],
        "order": runs.order.iloc[0],
        "state": runs.state.iloc[0],
        "framework": runs.framework.iloc[0],
        "environment": runs.environment.iloc[0],
        "count": len(counted),
        "finished": int(runs.ok.sum()),
        "outdated": bool(counted.outdated.any()),
        "last": newest.iloc[-1],
        "counted": counted,
        "runs": runs,
    }
    for figure in FIGURES:
        values = counted[figure].astype(float)
        whole = values if values.notna().all() and len(values) else values[:0]
        row[figure] = whole.median()
        row[f"{figure}_low"], row[f"{figure}_high"] = whole.min(), whole.max()
    return row


def ranks(table: pd.DataFrame) -> dict[int, str]:
    """Index of a row -> its rank by time, "1" or, where it is shared, "1=".

    Rows whose runs overlap share a rank: a difference within the spread decides nothing.
    Rows of a single run have none, as nothing is known of their spread.
    """
    known = table[table["count"] > 1].sort_values(["seconds_low", "seconds_high"])
    shared: list[list[int]] = []
    highest = -1.0
    for place, low, high in zip(known.index, known.seconds_low, known.seconds_high):
        if low > highest:
            shared.append([])
        shared[-1].append(place)
        highest = max(highest, high)
    found, rank = {}, 1
    for places in shared:
        sign = "=" if len(places) > 1 else ""
        found.update(dict.fromkeys(places, f"{rank}{sign}"))
        rank += len(places)
    return found
