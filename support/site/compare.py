"""Side by side: every notebook as a page, and as a script that the comparison loads on demand."""

from common.params import MODELS
from support.site import cells, machines
from support.tables import TITLES


def read(families):
    """(prefix, model) -> notebook."""
    return {
        (family.prefix, model): cells.read(family.notebook(model))
        for family in families
        for model in family.models
    }


def write(site, families, notebooks, found):
    """The page that compares, and all that it shows; `found` are the machines."""
    by_family = {family.prefix: family for family in families}
    for (prefix, model), notebook in notebooks.items():
        name = f"{prefix}_{model}"
        family = by_family[prefix]
        copies = _copies(found, family, model)
        site.script(f"cells/{name}.js", "rosetta.add", name, _data(notebook, copies))
        site.copy(notebook.path, f"notebooks/{name}.ipynb")
        site.page(
            f"notebooks/{name}.html",
            "notebook.html",
            notebook=notebook,
            family=family,
            model=model,
            copies=copies,
            other=next(f for f in families if f is not family),
        )
    site.page(
        "compare.html",
        "compare.html",
        families=families,
        tags=_tags(notebooks),
        titles=TITLES,
        models=[model for model in MODELS if any(m == model for _, m in notebooks)],
    )


def sample(families, notebooks, tag="train"):
    """What the first page shows: the same cell of the first two families."""
    model = next(iter(MODELS))
    found = []
    for family in families[:2]:
        notebook = notebooks.get((family.prefix, model))
        cell = notebook and notebook.cell(tag)
        if cell:
            found.append((family, cell))
    return found


def _copies(found, family, model):
    """The titles and pages of the notebook's executed copies, those of the protocol first."""
    labels = {framework.key: framework.label for framework in family.frameworks}
    copies = [
        (machine, record)
        for machine in found
        for record in machine.records
        if record["framework"] in labels and record["model"] == model and record["copy"]
    ]
    copies.sort(key=lambda copy: (copy[0].quick, -(copy[1]["epochs"] or 0)))
    return [
        {
            "title": f"{labels[record['framework']]}, {machines.settings(record)}: "
            f"{machine.title}",
            "page": record["page"],
        }
        for machine, record in copies
    ]


def _tags(notebooks):
    """Model -> the tags of its notebooks' cells, in order."""
    tags = {}
    for (_, model), notebook in notebooks.items():
        found = tags.setdefault(model, [])
        found += [c.tag for c in notebook.cells if c.tag and c.tag not in found]
    return tags


def _data(notebook, copies):
    return {
        "cells": {c.tag: {"prose": c.prose, "code": c.code} for c in notebook.cells},
        "copies": copies,
    }
