"""Ceilings are kept beside the records of their device; a run's FLOP/s can be held against them."""

import json
import math
from pathlib import Path
from typing import Any

from support.basics.numbers import scaled
from support.ceilings import flops
from support.records.store import Record

Ceilings = dict[str, Any]


def path(folder: Path) -> Path:
    """Where a results folder keeps them."""
    return folder / "ceilings.json"


def read(folder: Path) -> Ceilings:
    """The ceilings of a results folder; {} where there are none, they are damaged, or other load
    lowered them."""
    try:
        found = json.loads(path(folder).read_text(encoding="utf-8"))
        return found if _is_whole(found) and not found["load"]["disturbed"] else {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _is_whole(found: Ceilings) -> bool:
    """Whether everything that is read from ceilings is there; may raise where it is not."""
    figures = [*found["matmul"].values(), found["copy"]]
    texts = [found["date"], *found["versions"].values()]
    return (
        all(isinstance(f, int | float) and 0 < f < math.inf for f in figures)
        and all(isinstance(text, str) for text in texts)
        and bool(found["matmul"] and found["versions"])
    )


def share(record: Record, ceilings: Ceilings) -> float | None:
    """The FLOP/s of a run as a share of the matrix product's in its precision; None if unknown."""
    ceiling = ceilings.get("matmul", {}).get(record["precision"])
    achieved = flops.per_example(record["model"]) * record["throughput"]
    return achieved / ceiling if ceiling else None


def in_words(ceilings: Ceilings) -> str:
    """One line: FLOP/s per precision, bytes/s, and by what they were measured."""
    products = [
        f"{precision} {scaled(value)}FLOP/s"
        for precision, value in ceilings["matmul"].items()
    ]
    by = " ".join(next(iter(ceilings["versions"].items())))
    return (
        f"matrix product {', '.join(products)}; memory copy {scaled(ceilings['copy'])}B/s "
        f"({by}, {ceilings['date'][:10]})"
    )
