"""Read the registry's files. One that is wrong is named in a line and left out."""

import functools
import logging
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from common.params import MODELS
from support.basics.paths import NOTEBOOKS, REGISTRY
from support.basics.precisions import PRECISIONS
from support.registry.entries import EnvironmentEntry, Framework, Language

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

log = logging.getLogger(__name__)

Entry = TypeVar("Entry")
KINDS: dict[Any, tuple[type, type, str]] = {
    # annotation -> (what a file may have for it, of what each element is, in words)
    str: (str, str, "a text"),
    bool: (bool, bool, "true or false"),
    dict[str, str]: (dict, str, "a table of texts"),
    tuple[str, ...]: (list, str, "a list of texts"),
    tuple[dict, ...]: (list, dict, "a list of tables"),
}
GIVEN = ("name", "key", "root", "folder")  # by the file's place, not by its content
CHOICES = {
    "models": tuple(MODELS),
    "precisions": PRECISIONS,
    "state": ("living", "archived"),
}
MISTAKE = {"title", "trap", "model", "check", "edits"}
KEY = re.compile(r"[A-Za-z0-9_-]+")  # what names of files and of kernels may have


class EntryError(ValueError):
    """What is wrong with a file, in one line."""


def roots() -> list[Path]:
    """The repository's own registry, and the folders that ROSETTA_FRAMEWORKS names."""
    named = os.environ.get("ROSETTA_FRAMEWORKS", "").split(os.pathsep)
    others = [Path(one).resolve() for one in named if one]
    for folder in others:
        if not any(folder.glob("frameworks/*.toml")):
            log.warning("ROSETTA_FRAMEWORKS: %s has no frameworks/*.toml", folder)
    return [REGISTRY, *others]


@functools.cache
def languages() -> dict[str, Language]:
    """All languages by name."""

    def make(name: str, _: Path, path: Path) -> Language:
        return Language(name=name, **fields(path, Language))

    return _read("languages/*.toml", make)


@functools.cache
def environments() -> dict[str, EnvironmentEntry]:
    """All environments by name."""

    def make(name: str, _: Path, path: Path) -> EnvironmentEntry:
        entry = fields(path, EnvironmentEntry)
        return EnvironmentEntry(name=name, folder=path.parent, **entry)

    return _read("environments/*/environment.toml", make)


@functools.cache
def frameworks() -> dict[str, Framework]:
    """All frameworks by key: the living ones first, tuned notebooks last, else by label."""
    read = _read("frameworks/*.toml", _framework)
    keys = {framework.label: key for key, framework in reversed(read.items())}
    found = {}
    for key, framework in read.items():
        problem = _misfit(framework, keys[framework.label], read)
        if problem:
            _skip(framework.root / "frameworks" / f"{key}.toml", problem)
        else:
            found[key] = framework
    for framework in found.values():
        if framework.like:
            inherited = read[framework.like].conventions
            framework.conventions.update({**inherited, **framework.conventions})
    return dict(sorted(found.items(), key=lambda item: _place(item[1])))


def _misfit(framework: Framework, first: str, others: dict[str, Framework]) -> str:
    """What keeps it from standing beside the others; `first` is the first key with its label."""
    if framework.key != first:
        return f"label = '{framework.label}' is that of {first} already"
    if framework.like and framework.like not in others:
        return f"like = '{framework.like}' is unknown"
    return ""


def clear() -> None:
    """Forget what was read, so that it is read again."""
    for function in (languages, environments, frameworks):
        function.cache_clear()


def _place(framework: Framework) -> tuple:
    label = framework.label.casefold()
    return (framework.tuned, framework.state != "living", label)


def _read(pattern: str, make: Callable[[str, Path, Path], Entry]) -> dict[str, Entry]:
    """What the files of all roots say, by name. One that is wrong is named and left out.

    `make` gets an entry's name, its root and its file.
    """
    found: dict[str, Entry] = {}
    files: dict[str, Path] = {}
    for root in roots():
        for path in sorted(root.glob(pattern)):
            name = path.relative_to(root).parts[1].removesuffix(".toml")
            try:
                if name in found:
                    raise EntryError(f"there is {name} already, in {files[name]}")
                found[name] = make(name, root, path)
                files[name] = path
            except EntryError as error:
                _skip(path, error)
    return found


def _skip(path: Path, problem: object) -> None:
    log.warning("%s is left out: %s", path, problem)


def _framework(key: str, root: Path, path: Path) -> Framework:
    if not KEY.fullmatch(key):
        raise EntryError("a key has letters, digits, '_' and '-' only")
    entry = fields(path, Framework)
    if not KEY.fullmatch(entry.get("notebooks", key)):
        raise EntryError(
            f"notebooks = {entry['notebooks']!r} is no prefix of a file name"
        )
    for name, known in (("environment", environments()), ("language", languages())):
        if entry[name] not in known:
            there = ", ".join(known)
            raise EntryError(f"{name} = '{entry[name]}' is unknown; there are {there}")
        entry[name] = known[entry[name]]
    for mistake in entry.get("mistakes", ()):
        if mistake.keys() != MISTAKE:
            raise EntryError(f"a mistake has {', '.join(sorted(MISTAKE))} and no more")
    folder = NOTEBOOKS if root == REGISTRY else root / "notebooks"
    return Framework(key=key, root=root, folder=folder, **entry)


def fields(path: Path, kind: type) -> dict[str, Any]:
    """The file's content, held to the fields of the class. Raises EntryError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EntryError(str(error)) from None
    wanted = {
        name: hint for name, hint in get_type_hints(kind).items() if name not in GIVEN
    }
    for name in content:
        if name not in wanted:
            raise EntryError(f"unknown field '{name}'; there are {', '.join(wanted)}")
    required = set(wanted) - set(vars(kind)) - _with_factories(kind)
    missing = sorted(required - set(content))
    if missing:
        raise EntryError(f"'{missing[0]}' is missing")
    return {name: _value(name, value, wanted[name]) for name, value in content.items()}


def _with_factories(kind: type) -> set[str]:
    every = kind.__dataclass_fields__.values()  # type: ignore[attr-defined]
    return {f.name for f in every if callable(f.default_factory)}


def _value(name: str, value: Any, hint: Any) -> Any:
    """The value as a field has it. Raises EntryError if the field cannot have it."""
    # a text stands for an environment or a language too
    expected: Any
    expected, element, words = KINDS.get(hint, KINDS[str])
    each = _elements(value)
    if not (isinstance(value, expected) and all(isinstance(e, element) for e in each)):
        raise EntryError(f"{name} = {value!r} should be {words}")
    for one in each if name in CHOICES else ():
        if one not in CHOICES[name]:
            known = ", ".join(CHOICES[name])
            raise EntryError(f"{name}: '{one}' is unknown; there are {known}")
    return tuple(each) if expected is list else value


def _elements(value: Any) -> Iterable[Any]:
    """The elements of a list or a table, or the value itself."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else [value]
