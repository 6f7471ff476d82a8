"""Results of a machine, packed for a pull request: validated, and without what identifies it."""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from common.files import write_json
from support.basics.errors import NotPossible
from support.basics.text import first_line
from support.publish.sources import PROOFS
from support.records import schema

PARTS = ("", *PROOFS)  # of a machine's folder, that are shared
ABOUT = ("machine.json", "ceilings.json")
LARGEST = 2_000_000  # bytes of one file
# a path that begins in a user's own folder; those of the checkout were replaced in the run
PRIVATE_PATH = re.compile(r"(?<![\w.~-])/(?:home|root|Users|scratch|mnt)/[\w.-]+")


@dataclass
class Packed:
    """What was packed, and what was left out and why."""

    folder: Path
    files: list[Path] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)


def pack(machine: Path, folder: Path) -> Packed:
    """Copy what can be shared of a results folder to `folder`, which must be new or empty.

    Records are held to the schema, executed notebooks to nbformat's; the uuids of GPUs and the
    text that identifies the checkout are removed. What does not pass is left out. Raises
    NotPossible where nothing passes.
    """
    if folder.exists() and any(folder.iterdir()):
        raise NotPossible(f"{folder} exists and is not empty")
    packed = Packed(folder)
    for part in PARTS:
        for path in sorted((machine / part / "records").glob("*.json")):
            _copy(path, machine, packed)
    if not packed.files:
        raise NotPossible(f"{machine} has no record that can be shared")
    for name in ABOUT:
        if (machine / name).is_file():
            _copy(machine / name, machine, packed)
    return packed


def _copy(path: Path, machine: Path, packed: Packed) -> None:
    """Copy a JSON file, and the executed notebook that it names, or say why not."""
    try:
        content = json.loads(_text(path))
        if path.parent.name == "records":
            content = anonymous(content)
            problem = schema.problem(content)
            if problem:
                raise ValueError(problem)
            executed = content.get("executed")
            if executed and content["status"] == "ok":
                _copy_notebook(path.parents[1] / executed, machine, packed)
    except (OSError, ValueError, KeyError, TypeError) as error:
        packed.left_out[path] = first_line(str(error))
        return
    target = packed.folder / path.relative_to(machine)
    write_json(target, content)
    packed.files.append(target)


def _copy_notebook(path: Path, machine: Path, packed: Packed) -> None:
    """Copy an executed notebook. Tables keep one of several repeats, so it may be gone."""
    if not path.exists():
        return
    if path.parent.resolve() != (path.parents[1] / "notebooks").resolve():
        raise ValueError(f"its executed notebook is not in notebooks/: {path.name}")
    text = _text(path)
    try:
        nbformat.validate(nbformat.reads(text, as_version=4))
    except Exception as error:  # whatever a file that is no notebook makes nbformat say
        raise ValueError(f"{path.name} is no notebook: {error}") from None
    target = packed.folder / path.relative_to(machine)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    packed.files.append(target)


def _text(path: Path) -> str:
    """The content of a file that is plain, small and without private paths. Raises ValueError."""
    if path.is_symlink() or not path.is_file():
        raise ValueError("not a regular file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST:,} bytes")
    text = path.read_text(encoding="utf-8")
    private = PRIVATE_PATH.search(text)
    if private:
        raise ValueError(f"it has a path of this machine: {private[0]}")
    return text


def anonymous(record: dict[str, Any]) -> dict[str, Any]:
    """The record without the uuids of GPUs and what identifies the checkout."""
    record = {**record, "installation": ""}
    hardware = record.get("hardware")
    if isinstance(hardware, dict):
        gpus = [{**gpu, "uuid": ""} for gpu in hardware.get("gpus") or []]
        record["hardware"] = {**hardware, "gpus": gpus}
    return record
