"""The anatomy of notebooks: what makes cell k of one fit beside cell k of another.

Each rule takes a Subject and yields what is wrong, in words. RULES has all of them.
"""

import ast
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from common.params import COMMON, MODELS
from support.publish.lessons import LESSONS
from support.registry import Framework

START = ["title", "imports", "parameters", "versions", "data", "model", "weights"]
TRAINED = [*START, "optimizer", "train", "evaluate", "report"]
ANATOMY = {"CNN": TRAINED, "RNN": TRAINED, "Inference": [*START, "predict", "report"]}
DATA_NAMES = {"x_train", "y_train", "x_test", "y_test"}
RUN_NAMES = {"Run", "show_versions", "initial_weights", "start_clock", "report"}
TRAINED_NAMES = {*DATA_NAMES, "model", "loss", "optimizer", "accuracy", "end_epoch"}
NAMES = {
    "CNN": TRAINED_NAMES,
    "RNN": TRAINED_NAMES,
    "Inference": {"x_test", "model", "features", "stop_clock"},
}
SCREEN = 60  # lines
WIDEST = 100  # characters of a line
LONGEST_ANSWER = 100  # characters of a lesson's answer
# a plain assignment, in any of the languages
ASSIGNMENT = re.compile(r"(?:const |let )?(\w+) (?:=|<-) (.+?);?(?: +(?:#|//).*)?")
# of a function, in any of the languages
DEFINITION = re.compile(
    r"^(?:(?:def|function) (\w+)\(|(\w+)\(.*\) =|(\w+) <- function\(|const (\w+) = )",
    re.M,
)

Problems = Iterator[str]


@dataclass(frozen=True)
class Subject:
    """A notebook of a framework for a model."""

    path: Path
    framework: Framework
    model: str

    @functools.cached_property
    def content(self) -> Any:
        return nbformat.read(self.path, as_version=4)

    @property
    def cells(self) -> list[Any]:
        return self.content.cells

    @property
    def program(self) -> str:
        """All of its code."""
        return "\n".join(c.source for c in self.cells if c.cell_type == "code")

    def code(self, tag: str) -> str:
        """The source of the code cell with the tag; "" without one."""
        found = (c.source for c in self.cells if c.cell_type == "code")
        tags = (tag_of(c) for c in self.cells if c.cell_type == "code")
        return next((source for source, its in zip(found, tags) if its == tag), "")


def tag_of(cell: Any) -> str | None:
    """A cell's only tag."""
    tags = cell.metadata.get("tags", [])
    return tags[0] if len(tags) == 1 else None


def valid(subject: Subject) -> Problems:
    """It is a notebook."""
    try:
        nbformat.validate(subject.content)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {error.message}"


def cells_in_order(subject: Subject) -> Problems:
    """The common cells in the common order, each code cell after its prose."""
    expected = ANATOMY[subject.model]
    prose, code = subject.cells[1::2], subject.cells[2::2]
    found = [tag_of(cell) for cell in [*subject.cells[:1], *code]]
    if found != expected:
        yield f"cells {found}, expected {expected}, each after a cell of prose"
        return
    if {cell.cell_type for cell in code} != {"code"}:
        yield "a tag of a code cell is on a cell of prose"
    if {cell.cell_type for cell in [subject.cells[0], *prose]} != {"markdown"}:
        yield "a cell of prose is missing before a code cell"
    for cell, tag in zip(prose, expected[1:]):
        heading, _, text = cell.source.partition("\n")
        if heading.removeprefix("## ").lower() != tag:
            yield f"the heading before {tag} is '{heading}'"
        if not text.strip():
            yield f"'{heading}' is a heading without prose"


def protocol_parameters(subject: Subject) -> Problems:
    """The protocol's values, in the common order, as plain assignments."""
    framework = subject.framework
    name = framework.notebooks or framework.key
    name = framework.key if framework.tuned else name
    expected = {"FRAMEWORK": name, **MODELS[subject.model], **COMMON}
    found = {}
    for line in subject.code("parameters").splitlines():
        match = ASSIGNMENT.fullmatch(line)
        if not match:
            yield f"parameters: '{line}' is no plain assignment"
            return
        literal = re.sub(r"(?<=\d)L$", "", match[2])  # R's 10L
        try:
            found[match[1]] = ast.literal_eval(literal)
        except (ValueError, SyntaxError):
            yield f"parameters: '{line}' has no plain value"
            return
    for key, value in expected.items():
        if found.get(key) != value:
            yield f"parameters: {key} = {found.get(key)!r}, the protocol has {value!r}"
    if set(found) == set(expected) and list(found) != list(expected):
        yield f"parameters: the common order is {', '.join(expected)}"
    for key in found.keys() - expected.keys():
        yield f"parameters: {key} is not one of the protocol's"


def common_names(subject: Subject) -> Problems:
    """The same names for the same things."""
    words = set(re.findall(r"\w+", re.sub(r"#.*", "", subject.program)))
    for name in sorted({*NAMES[subject.model], *RUN_NAMES} - words):
        # Julia's and JavaScript's own conventions for the same names
        camel = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
        if camel not in words:
            yield f"the name {name} is not used"
    weights = subject.code("weights")
    defined = {name for found in DEFINITION.findall(weights) for name in found}
    for pair in (("set_weights", "setWeights"), ("get_weights", "getWeights")):
        if not defined & set(pair):
            yield f"weights: {pair[0]} is not defined"
    if not {"assert_same_weights", "assertSameWeights"} & set(
        re.findall(r"\w+", weights)
    ):
        yield "weights: assert_same_weights is not called"


def lessons_answered(subject: Subject) -> Problems:
    """The article's lessons, each answered in terms that the notebook has."""
    answers = subject.content.metadata.get("lessons", {})
    wanted = [key for key, one in LESSONS.items() if one.model == subject.model]
    expected = [] if subject.framework.tuned else wanted
    if list(answers) != expected:
        yield f"lessons: {', '.join(answers) or 'none'}; expected: {', '.join(expected)}"
    text = "\n".join(cell.source for cell in subject.cells)
    for key, answer in answers.items():
        if not 0 < len(answer) <= LONGEST_ANSWER:
            yield f"lesson {key}: a line of at most {LONGEST_ANSWER} characters"
        if answer.count("`") % 2:
            yield f"lesson {key}: a backtick has no partner"
        for term in answer.split("`")[1::2]:
            if term not in text:
                yield f"lesson {key}: the notebook does not say `{term}`"


def no_outputs(subject: Subject) -> Problems:
    """Outputs and execution counts are not committed."""
    for cell in subject.cells:
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count):
            yield f"cell {tag_of(cell)} has outputs or an execution count"


def fits_a_screen(subject: Subject) -> Problems:
    """A cell can be seen whole."""
    for cell in subject.cells:
        lines = cell.source.splitlines()
        if len(lines) > SCREEN:
            yield f"cell {cell.id} has {len(lines)} lines, at most {SCREEN} fit a screen"
        if max(map(len, lines), default=0) > WIDEST:
            yield f"cell {cell.id} has a line of more than {WIDEST} characters"


Rule = Callable[[Subject], Problems]
RULES: tuple[Rule, ...] = (
    valid,
    cells_in_order,
    protocol_parameters,
    common_names,
    lessons_answered,
    no_outputs,
    fits_a_screen,
)


def problems(subject: Subject) -> list[str]:
    """All that is wrong with the notebook."""
    try:
        subject.content  # noqa: B018, whether it can be read
    except Exception as error:  # whatever a file that is no notebook makes nbformat say
        return [f"it cannot be read: {type(error).__name__}: {error}"]
    return [problem for rule in RULES for problem in rule(subject)]
