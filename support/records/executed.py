"""Executed notebooks: those that show what a table's figures come from are kept, the others go."""

import contextlib
from pathlib import Path

from support.records import statistics
from support.records.frame import load


def prune(folder: Path) -> None:
    """Remove executed notebooks of a results folder.

    Of each row of its tables, that of the newest counting run stays; where it has none, all do.
    Nothing goes but files in the folder's own notebooks/ that its records name.
    """
    if (folder / "notebooks").is_symlink():
        return
    runs = load([folder])
    runs = runs[runs.purpose == "run"]  # as tables show no others
    kept: set[Path] = set()
    for _, found in statistics.groups(runs):
        for _, row in statistics.summary(found).iterrows():
            newest = row["last"].executed
            kept |= {newest} if newest else set(row.runs.executed.dropna())
    for path in set(runs.executed.dropna()) - kept:
        if path.suffix == ".ipynb":
            with contextlib.suppress(OSError):  # the next time, perhaps
                path.unlink()
