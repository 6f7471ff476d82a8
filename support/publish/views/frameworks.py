"""Frameworks: what the registry says of each."""

import os
from collections.abc import Iterable

from common.params import MODELS
from support.basics.precisions import OF_INFERENCE
from support.publish import sources
from support.publish.table import EMPTY, Cell, Table, is_address
from support.registry import Framework

HEAD = ["state", "last release", "successor", "predecessor"]
HEAD += ["runs on", "environment", "precisions"]


def table(frameworks: Iterable[Framework]) -> Table:
    """A line for each of them."""
    groups = [("", 1), ("notebooks", len(MODELS)), *(("", 1) for _ in HEAD)]
    body = [_line(framework) for framework in frameworks]
    return Table("The projects", ["framework", *MODELS, *HEAD], body, groups)


def _line(framework: Framework) -> list[Cell]:
    language, python = framework.language.name, framework.environment.python
    return [
        Cell(framework.label, _upstream(framework)),
        *(_notebook(framework, model) for model in MODELS),
        Cell(framework.state, kind=framework.state),
        Cell(framework.release),
        Cell(framework.successor) if framework.successor else EMPTY,
        Cell(framework.predecessor) if framework.predecessor else EMPTY,
        Cell(f"{'' if language == 'Python' else f'{language}, '}Python {python}"),
        Cell(framework.environment.name),
        Cell(", ".join(map(_precision, framework.precisions))),
    ]


def _precision(name: str) -> str:
    return f"{name} (inference)" if name in OF_INFERENCE else name


def _upstream(framework: Framework) -> str:
    """Where its project is; nothing that is not an address on the web."""
    if is_address(framework.upstream):
        return framework.upstream
    entry = framework.root / "frameworks" / f"{framework.key}.toml"
    reason = f"{framework.upstream} should begin with https:// or http://"
    sources.skip(entry, reason, "upstream")
    return ""


def _notebook(framework: Framework, model: str) -> Cell:
    path = framework.notebook(model)
    there = model in framework.models and os.path.isfile(path)
    return Cell(model, str(path)) if there else EMPTY
