"""Read and write records. One that cannot be read is named in a line and left out."""

import copy
import functools
import json
import logging
import stat
from pathlib import Path
from typing import Any

from common.files import write_json
from support.basics.paths import RESULTS
from support.records import schema

Record = dict[str, Any]

log = logging.getLogger(__name__)
# The article's own figures; see results/2018/README.md.
ARTICLE = RESULTS / "2018" / "records.json"
LARGEST = 4 << 20  # bytes


class DamagedRecord(ValueError):
    """A file that is no record, or no record that is known here; says which and why."""


def read(path: Path) -> Record | None:
    """The record in the file, upgraded; None if there is no file.

    Raises DamagedRecord for what is not a regular file, no JSON, of a later schema, or not valid.
    """
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is not a regular file")
        if about.st_size > LARGEST:
            raise ValueError(f"it has more than {LARGEST >> 20} MiB")
        state = (about.st_mtime_ns, about.st_ino, about.st_size)
        return copy.deepcopy(_parsed(path, state))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from None
    except RecursionError:
        raise _damaged(path, "it is nested too deeply") from None
    except ValueError as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, reason: str) -> DamagedRecord:
    return DamagedRecord(f"{_shown(path)} is left out: {reason}")


@functools.lru_cache(maxsize=4096)
def _parsed(path: Path, _: tuple[int, ...]) -> Record:
    """The content of the file in this state."""
    content = parse(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    record = schema.upgrade(content, path.stem)
    problem = schema.problem(record)
    if problem:
        raise ValueError(problem)
    return record


def parse(text: str) -> Any:
    """What JSON text says. Raises ValueError also for what some readers accept and no writer does:
    NaN, 1e999, half a surrogate pair."""
    content = json.loads(text)
    json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    return content


def read_or_none(path: Path) -> Record | None:
    """The record in the file; None if there is none, or a damaged one, which is logged."""
    try:
        return read(path)
    except DamagedRecord as error:
        log.warning("%s", error)
        return None


def read_all(folder: Path) -> dict[Path, Record]:
    """All records in `folder`/records, finished runs and failures, in the order of their names."""
    found = {}
    for path in sorted((folder / "records").glob("*.json")):
        record = read_or_none(path)
        if record is not None:
            found[path] = record
    return found


def write(path: Path, record: Record) -> None:
    """Write a record, whole or not at all. Raises ValueError if it is not valid."""
    problem = schema.problem(record)
    if problem:
        raise ValueError(f"its record would not be valid: {problem}")
    write_json(path, record)


def machines(results: Path = RESULTS) -> list[Path]:
    """The results folders that hold records of real runs, by name."""
    return [path.parent for path in sorted(results.glob("*/records")) if path.is_dir()]


def read_article() -> list[Record]:
    """The 2018 figures: records with framework (the article's name), model, device, seconds
    (None where the article has none), accuracy and cudnn."""
    return json.loads(ARTICLE.read_text(encoding="utf-8"))["records"]


def disturbances(record: Record) -> list[str]:
    """What disturbed the run, in words; [] where nothing did, or nothing is known."""
    return (record.get("load") or {}).get("disturbed", [])


def counting(runs: list[Record]) -> list[Record]:
    """The runs that figures are made of: the undisturbed ones, or all where there are none."""
    return [run for run in runs if not disturbances(run)] or list(runs)


def _shown(path: Path) -> Path:
    """The path as a user would write it."""
    return path.relative_to(RESULTS.parent) if path.is_relative_to(RESULTS) else path
