"""Lessons: what the article found to matter for speed, and each framework's answers: docs/lessons.md.

The answers are metadata of the notebooks: `lessons`, a dictionary of key to one line of text, in
which `code` stands between backticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import nbformat

from support import registry
from support.basics.paths import NOTEBOOKS, ROOT
from support.basics.text import first_line
from support.publish import output, sources
from support.publish.markdown import escape, prose
from support.publish.site.families import Family, families

PAGE = ROOT / "docs" / "lessons.md"
FOOT = "Made from the notebooks by `python run_all.py tables`; do not edit."


@dataclass(frozen=True)
class Lesson:
    """`model` is the one whose notebook has the answers."""

    model: str
    title: str
    text: str


LESSONS = {
    "auto_tuning": Lesson(
        "CNN",
        "Auto-tuning",
        "A library has several algorithms for one convolution; timing them once pays when shapes "
        "stay the same.",
    ),
    "layout": Lesson(
        "CNN",
        "Data layout",
        "A layout that is not the library's own costs conversions in every layer.",
    ),
    "pipeline": Lesson(
        "CNN",
        "Data pipeline",
        "A framework's own pipeline prepares batches beside the training.",
    ),
    "cudnn_rnn": Lesson(
        "RNN",
        "cuDNN's RNN",
        "On a GPU, one call for a whole sequence is several times as fast as a loop over its steps.",
    ),
    "inference": Lesson(
        "Inference",
        "Inference",
        "Dropout off, running statistics on, and nothing kept for a gradient that nobody asks for.",
    ),
}


def update() -> None:
    """Write the page."""
    text = [*_page(), FOOT]
    output.write(PAGE, "\n".join(text) + "\n", ROOT)


def answer(family: Family, key: str) -> str:
    """What the family's notebook says of a lesson; "" where there is none or it says nothing."""
    model = LESSONS[key].model
    if model not in family.models:
        return ""
    path = family.notebook(model)
    try:
        answers = nbformat.read(path, as_version=4).metadata.get("lessons", {})
        return str(answers.get(key, ""))
    except Exception as error:  # whatever a file that is none makes nbformat say
        sources.skip(path, first_line(f"{type(error).__name__}: {error}"))
        return ""


def _page() -> Iterator[str]:
    yield "# Five lessons\n"
    yield (
        "What the article of 2018 found to matter for speed, beyond the choice of framework, and "
        "where each framework has it today. The notebooks' prose says more.\n"
    )
    own = [
        family
        for family in families(registry.frameworks())
        if not family.tuned and family.frameworks[0].folder == NOTEBOOKS
    ]
    for key, lesson in LESSONS.items():
        yield f"## {lesson.title}\n\n{lesson.text}\n"
        yield "| framework | its answer |\n|---|---|"
        for family in own:
            said = prose(answer(family, key))
            label = escape(family.label)
            if said:
                label = f"[{label}](../notebooks/{family.notebook(lesson.model).name})"
            yield f"| {label} | {said or '–'} |"
        yield ""
