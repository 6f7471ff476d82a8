"""Views: the content of every table, for pages and for the terminal."""

from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from support import registry
from support.publish.table import FAILED, Cell

Key = tuple[str, str]  # what is one line of a table: framework and kind of environment


def evidence(run: Any) -> str:
    """What stands behind a run, a row of the frame: its executed notebook, else its record."""
    return str(run.executed or run.path)


def failure(run: Any) -> Cell:
    """Why a run failed."""
    return Cell(f"failed: {run.reason}", evidence(run), FAILED)


def place(key: str) -> tuple[int, str]:
    """A framework's place in tables, and its label: the key where the registry has none."""
    known = registry.frameworks()
    known_at = list(known).index(key) if key in known else len(known)
    return known_at, known[key].label if key in known else key


def lines(tables: Iterable[pd.DataFrame], models: Collection[str]) -> dict[Key, str]:
    """The labels of all that is in these tables, and of what the registry has for the models and
    no table has, in the tables' order."""
    found = {
        (row.framework, row.environment): (row.order, row.label)
        for table in tables
        for row in table.itertuples()
    }
    there = {framework for framework, _ in found}
    for key, framework in registry.frameworks().items():
        wanted = not framework.tuned and set(models) & set(framework.models)
        if wanted and key not in there:
            found[key, "pinned"] = place(key)
    return {key: found[key][1] for key in sorted(found, key=lambda key: found[key])}
