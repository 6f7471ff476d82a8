"""Sources: which files and folders of a checkout are published; what is left out is named in a line.

Their names become file names and addresses of pages, so they must be plain. What is reached by a
link that leads out of its folder stays unpublished: it may be any file of the user who builds.
"""

import logging
import os
import re
from pathlib import Path

import pandas as pd

from support.basics.paths import RESULTS, ROOT
from support.publish.text import one_line
from support.records.frame import load

log = logging.getLogger(__name__)
PROOFS = ("parity", "transfer", "mistakes")
# Names of two folders fit into one file name. One that ends in .html could be that of a page.
PLAIN = re.compile(r"(?!.*\.html$)\w[\w.-]{0,119}", re.ASCII)
NOT_PLAIN = "its name should be at most 120 letters, digits, '_', '.' and '-'"
LEADS_OUT = "it is a link that leads out of {}/"
TAKEN = ("index", *PROOFS)  # names of other pages of a machine


def skip(path: Path, reason: object, part: str = "") -> None:
    """Say that the file, folder or a part of it is not published, and why."""
    inside = path.is_relative_to(ROOT)
    shown = one_line(str(path.relative_to(ROOT) if inside else path))
    where = f"{shown}: {part}" if part else shown
    log.warning("%s is left out: %s", where, one_line(str(reason)))


def problem(path: Path, root: Path) -> str:
    """Why what lies at this path within the folder `root` is not published; "" if it may be."""
    if not all(map(PLAIN.fullmatch, path.relative_to(root).parts)):
        return NOT_PLAIN
    return "" if _lies_in(path, root) else LEADS_OUT.format(root.name)


def _lies_in(path: Path, root: Path) -> bool:
    """Whether that is so when all links are followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def may_publish(path: Path, root: Path, file: bool = True) -> bool:
    """Whether the file or folder may be published; says why not, if there is such a thing."""
    if not os.path.lexists(path):
        return False
    reason = problem(path, root)
    if file and not reason and not os.path.isfile(path):
        reason = "it is not a regular file"
    if reason:
        skip(path, reason)
    return not reason


def folders(part: str = "") -> list[Path]:
    """The results folders that have records, or those parts of them that have."""
    found = sorted(RESULTS.glob(f"*/{part}/records" if part else "*/records"))
    return [
        path.parent
        for path in found
        if path.is_dir() and may_publish(path, RESULTS, file=False)
    ]


def runs(folder: Path) -> pd.DataFrame:
    """The records of a results folder, as records.frame has them.

    An executed notebook that lies elsewhere, by a link, is as good as none.
    """
    there = may_publish(folder / "records", folder, file=False)
    found = load([folder] if there else [])
    kept = [_may_publish_record(path) for path in found.path]
    found = found[pd.Series(kept, found.index, dtype=bool)]
    executed = [path if _is_own(path, folder) else None for path in found.executed]
    return found.assign(executed=pd.Series(executed, found.index, dtype=object))


def _may_publish_record(path: Path) -> bool:
    reason = problem(path, path.parent)
    if path.stem in TAKEN:
        reason = f"a machine has another page called {path.stem}"
    if reason:
        skip(path, reason)
    return not reason


def _is_own(path: Path | None, folder: Path) -> bool:
    if path is not None and not _lies_in(path, folder):
        skip(path, LEADS_OUT.format(folder.name))
        return False
    return path is not None
