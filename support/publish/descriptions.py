"""What a machine's folder says of it: machine.json and ceilings.json. What is damaged is named and left out."""

import json
from pathlib import Path
from typing import Any

from support.ceilings import store
from support.publish import sources
from support.records import machines

DAMAGED = "it is damaged"
TEXTS = ("device", "kind", "cpu", "system")


def machine(folder: Path) -> dict[str, Any]:
    """What machine.json says of the machine that the results are of; {} where there is none."""
    home = machines.home(folder)
    path = home / "machine.json"
    if not sources.may_publish(path, home):
        return {}
    try:
        found = machines.read(home)
    except RecursionError:  # nested too deeply
        found = {}
    if found and all(isinstance(found.get(name, ""), str) for name in TEXTS):
        return found
    sources.skip(path, DAMAGED)
    return {}


def ceilings(folder: Path) -> store.Ceilings:
    """The ceilings of a results folder; {} where there are none, or other load lowered them."""
    path = store.path(folder)
    if not sources.may_publish(path, folder):
        return {}
    try:
        found = store.read(folder)
        damaged = not found and not _is_disturbed(path)
    except (RecursionError, OSError, ValueError, LookupError, TypeError):
        found, damaged = {}, True
    if damaged:
        sources.skip(path, DAMAGED)
    return found


def _is_disturbed(path: Path) -> bool:
    found = json.loads(path.read_text(encoding="utf-8"))
    return bool(found["load"]["disturbed"])
