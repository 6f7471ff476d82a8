"""Digests of what a run's result depends on: its notebook's code, and what it uses of common/."""

import functools
from pathlib import Path

import nbformat

from support.basics import digests
from support.basics.paths import ROOT
from support.basics.text import first_line
from support.registry import Framework, Language

COMMON = ROOT / "common"
# What decides results and times. Finding and downloading data, exchanging weights with the runner
# and writing the report do not.
DECISIVE = ("batches.py", "data.py", "quick.py", "stopwatch.py", "weights.py")


def digests_of(framework: Framework, model: str) -> dict[str, str]:
    """The digests of notebook and common as they are now; {} where there is no such notebook."""
    notebook = framework.notebook(model)
    if problem(notebook):
        return {}
    return {
        "notebook": notebook_digest(notebook),
        "common": common_digest(framework.language),
    }


def problem(path: Path) -> str:
    """Why there is no notebook to be read at this path; "" if there is one."""
    if not path.is_file():
        return f"there is no notebook {path.name}"
    try:
        notebook_digest(path)
    except Exception as error:  # whatever a file that is none makes nbformat say
        return f"{path.name} is no notebook: {first_line(str(error))}"
    return ""


def notebook_digest(path: Path) -> str:
    """Of the code alone: prose changes no result."""
    return _notebook_digest(path, path.stat().st_mtime_ns)


@functools.lru_cache
def _notebook_digest(path: Path, _: int) -> str:
    """Of the file as it was last changed then: somebody may edit it during a long run."""
    cells = nbformat.read(path, as_version=4).cells
    return digests.of_parts(*(c.source for c in cells if c.cell_type == "code"))


@functools.lru_cache
def common_digest(language: Language) -> str:
    """Of the code that notebooks in this language use."""
    parts = [digests.code_of(COMMON / name) for name in DECISIVE]
    if language.sibling:
        parts.append((COMMON / language.sibling).read_text(encoding="utf-8"))
    return digests.of_parts(*parts)
