"""Frameworks: what the registry says of each."""

from collections.abc import Iterable

from common.params import MODELS
from support.publish.table import EMPTY, Cell, Table
from support.registry import Framework

HEAD = ["state", "last release", "successor", "runs on", "environment", "precisions"]


def table(frameworks: Iterable[Framework]) -> Table:
    """A line for each of them."""
    groups = [("", 1), ("notebooks", len(MODELS)), *(("", 1) for _ in HEAD)]
    body = [_line(framework) for framework in frameworks]
    return Table("The projects", ["framework", *MODELS, *HEAD], body, groups)


def _line(framework: Framework) -> list[Cell]:
    language, python = framework.language.name, framework.environment.python
    return [
        Cell(framework.label, framework.upstream),
        *(_notebook(framework, model) for model in MODELS),
        Cell(framework.state, kind=framework.state),
        Cell(framework.release),
        Cell(framework.successor) if framework.successor else EMPTY,
        Cell(f"{'' if language == 'Python' else f'{language}, '}Python {python}"),
        Cell(framework.environment.name),
        Cell(", ".join(framework.precisions)),
    ]


def _notebook(framework: Framework, model: str) -> Cell:
    path = framework.notebook(model)
    there = model in framework.models and path.exists()
    return Cell(model, str(path)) if there else EMPTY
