"""Side by side: every notebook as a page, and as a script that the comparison loads on demand."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from common.params import MODELS
from support.basics.paths import ROOT
from support.publish.site import cells, results, runs
from support.publish.site.cells import Cell, Notebook
from support.publish.site.families import Family
from support.publish.site.pages import Site
from support.publish.systems import Machine
from support.publish.text import one_line
from support.publish.views.traps import Trap
from support.records.key import TITLES

Notebooks = dict[tuple[str, str], Notebook]  # by prefix and model
# Cells that are much the same in every notebook, which the comparison folds.
FRAME = ("imports", "parameters", "versions", "data", "report")


def read(families: Iterable[Family]) -> Notebooks:
    """All of the families' notebooks that can be read."""
    found = {
        (family.prefix, model): cells.read_or_none(family.notebook(model))
        for family in families
        for model in family.models
    }
    return {key: notebook for key, notebook in found.items() if notebook}


def readable(families: Iterable[Family], notebooks: Notebooks) -> list[Family]:
    """The families with those of their models whose notebooks are there; not those without any."""
    found = []
    for family in families:
        models = tuple(m for m in family.models if (family.prefix, m) in notebooks)
        if models:
            found.append(replace(family, models=models))
    return found


def places(notebooks: Notebooks) -> dict[str, str]:
    """Which page shows a notebook."""
    return {
        str(notebook.path): f"notebooks/{prefix}_{model}.html"
        for (prefix, model), notebook in notebooks.items()
    }


def write(
    site: Site,
    families: Sequence[Family],
    notebooks: Notebooks,
    machines: Sequence[Machine],
    traps: Sequence[Trap],
) -> None:
    """The page that compares, and all that it shows."""
    executed = [
        (machine, run)
        for machine in machines
        for run in machine.runs.itertuples()
        if run.executed
    ]
    executed.sort(key=lambda copy: (copy[0].quick, copy[1].group.order))
    for (prefix, model), notebook in notebooks.items():
        family = next(family for family in families if family.prefix == prefix)
        other = next((one for one in families if one.prefix != prefix), family)
        copies = _copies(executed, family, model)
        name = f"{prefix}_{model}"
        site.script(f"cells/{name}.js", "rosetta.add", name, _data(notebook, copies))
        site.copy(notebook.path, f"notebooks/{name}.ipynb")
        site.page(
            f"notebooks/{name}.html",
            "notebook.html",
            copies=copies,
            notebook=notebook,
            family=family,
            model=model,
            other=other,
            file=_in_repository(notebook),
        )
    models = [model for model in MODELS if any(m == model for _, m in notebooks)]
    site.page(
        "compare.html",
        "compare.html",
        ["compare"] if families else [],
        models=models,
        families=families,
        tags=_tags(notebooks),
        titles=TITLES,
        frame=FRAME,
        traps=[_warning(trap, families) for trap in traps],
    )


def sample(
    families: Iterable[Family], notebooks: Notebooks, tag: str = "model"
) -> list[tuple[Family, Cell]]:
    """What the first page shows: the same cell of these families."""
    model = next(iter(MODELS))
    found = []
    for family in families:
        notebook = notebooks.get((family.prefix, model))
        cell = notebook and notebook.cell(tag)
        if cell:
            found.append((family, cell))
    return found


def _warning(trap: Trap, families: Iterable[Family]) -> dict[str, Any]:
    """A trap, and which option holds in each family that has one."""
    options = {family.prefix: trap.option(family.frameworks) for family in families}
    return {
        "title": trap.title,
        "anchor": trap.anchor,
        "places": trap.places,
        "options": trap.choices,
        "says": {prefix: option for prefix, option in options.items() if option},
    }


def _copies(
    executed: Iterable[tuple[Machine, Any]], family: Family, model: str
) -> list[dict[str, str]]:
    """The titles and pages of the notebook's executed copies, those of the protocol first."""
    keys = {framework.key for framework in family.frameworks}
    return [
        {
            "title": one_line(f"{run.label}, {runs.settings(run)}: {machine.title}"),
            "page": runs.page(results.folder(machine), run),
        }
        for machine, run in executed
        if run.framework in keys and run.model == model
    ]


def _in_repository(notebook: Notebook) -> str:
    """Its path there; "" if it lies elsewhere."""
    inside = notebook.path.is_relative_to(ROOT)
    return notebook.path.relative_to(ROOT).as_posix() if inside else ""


def _tags(notebooks: Notebooks) -> dict[str, list[str]]:
    """Model -> the tags of its notebooks' cells, in order."""
    tags: dict[str, list[str]] = {}
    for (_, model), notebook in notebooks.items():
        found = tags.setdefault(model, [])
        found += [c.tag for c in notebook.cells if c.tag and c.tag not in found]
    return tags


def _data(notebook: Notebook, copies: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "cells": {c.tag: {"prose": c.prose, "code": c.code} for c in notebook.cells},
        "copies": copies,
    }
