"""What a record must be: record.schema.json, and how older records become records of today."""

import functools
import json
from pathlib import Path
from typing import Any

from support.basics.text import plain

SCHEMA = 1
FILE = Path(__file__).with_name("record.schema.json")
PROOFS = ("outputs", "steps", "trained", "evaluated")


def problem(record: Any) -> str:
    """What is wrong with a record, in one line; "" if nothing is."""
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(record))
    if error is None:
        return ""
    where = ".".join(map(str, error.absolute_path))
    message = error.message if len(error.message) < 200 else error.message[:200] + "…"
    message = f"{where}: {message}" if where else message
    return " ".join(plain(message).split())  # names of fields may have line breaks


def upgrade(record: dict[str, Any], stem: str) -> dict[str, Any]:
    """The record as one of today's schema; `stem` is its file's name without .json.

    Raises ValueError for a record of a later schema, and for one of before that cannot be upgraded.
    """
    schema = record.get("schema", 0)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema > SCHEMA:
        raise ValueError(
            f"its schema is {schema!r}, and {SCHEMA} is the latest known here"
        )
    if schema == SCHEMA:
        return record
    try:
        return _from_0(record, stem)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        message = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"it has no schema, and cannot be upgraded ({message})"
        ) from None


def _from_0(old: dict[str, Any], stem: str) -> dict[str, Any]:
    """Before records had a `schema`: the environment was a name, its digest among the others."""
    tuned = str(old.get("framework")).endswith("_tuned")
    record = {**old, "schema": 1, "tuned": tuned}
    digests = dict(old.get("digests", {}))
    name = old.get("environment", "")
    record["environment"] = {
        "kind": "installed" if name == "installed" else "pinned",
        "name": name,
        "digest": digests.pop("environment", ""),
        "packages": {},
    }
    record["digests"] = digests
    record["remedy"] = record.pop("mend", "")
    record.setdefault("repeat", 1)
    record.setdefault("examples_limit", None)
    record.setdefault("purpose", _purpose(old, stem))
    for pair in old.get("pairs", {}).values():
        record["trained_epochs"] = pair["epochs"]
    if "load" in old:
        # records from before `disturbed` had no other warnings than these
        warned = old.get("warnings", [])
        record["load"] = {"disturbed": warned, **old["load"]}
    elif old.get("status") == "ok":
        record["load"] = {"disturbed": old.get("warnings", [])}
    return record


def _purpose(record: dict[str, Any], stem: str) -> str:
    ending = stem.removesuffix(".failed").rpartition("_")[2]
    if ending in PROOFS or "mistake" in record:
        return ending
    return "run"


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))
