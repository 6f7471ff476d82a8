"""Every notebook has the same cells in the same order, so that cell k of one sits beside cell k of another."""

import ast
import re
import shutil
import subprocess

import nbformat
import pytest

from common.params import COMMON, MODELS
from support import registry
from support.basics.paths import NOTEBOOKS
from support.publish.lessons import LESSONS

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

FRAMEWORKS = registry.frameworks()
BY_NOTEBOOK = {}  # path -> the first framework that runs it, and the model
for framework in FRAMEWORKS.values():
    for model in framework.models:
        BY_NOTEBOOK.setdefault(framework.notebook(model), (framework, model))
PARSERS = {  # commands that read a program from standard input and fail if it does not parse
    "R": ["Rscript", "-e", "invisible(parse(file('stdin')))"],
    "Julia": ["julia", "-e", r'Meta.parse("begin\n$(read(stdin, String))\nend")'],
}


@pytest.fixture(params=sorted(BY_NOTEBOOK), ids=lambda path: path.stem)
def notebook(request):
    path = request.param
    content = nbformat.read(path, as_version=4)
    nbformat.validate(content)
    return path, BY_NOTEBOOK[path][1], content.cells


def language(path):
    return BY_NOTEBOOK[path][0].language.name


def tag_of(cell):
    tags = cell.metadata.get("tags", [])
    return tags[0] if len(tags) == 1 else None


def code(cells, tag):
    return next(c.source for c in cells if c.cell_type == "code" and tag_of(c) == tag)


def program(cells):
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def values(source):
    """Name -> literal of a cell of plain assignments, one a line, in any of the languages."""
    found = {}
    for line in source.splitlines():
        name, literal = re.fullmatch(r"(\w+) (?:=|<-) (.+?);?(?: +#.*)?", line).groups()
        found[name] = ast.literal_eval(re.sub(r"(?<=\d)L$", "", literal))  # R's 10L
    return found


def words(source):
    """The names that a program uses."""
    return set(re.findall(r"\w+", re.sub(r"#.*", "", source)))


def functions(source):
    """The names of the functions that a program defines at its top level."""
    definition = r"^(?:def |function )?(\w+)(?:\(.*\) =| <- function\(|\()"
    return set(re.findall(definition, source, re.M))


def test_every_notebook_of_the_registry_exists_and_no_other():
    assert sorted(BY_NOTEBOOK) == sorted(NOTEBOOKS.glob("*.ipynb"))


def test_cells_come_in_the_common_order_each_after_its_prose(notebook):
    _, model, cells = notebook
    assert tag_of(cells[0]) == "title"
    prose, sources = cells[1::2], cells[2::2]
    assert [tag_of(cell) for cell in [cells[0], *sources]] == ANATOMY[model]
    assert {cell.cell_type for cell in sources} == {"code"}
    assert {cell.cell_type for cell in [cells[0], *prose]} == {"markdown"}
    headings = [
        cell.source.splitlines()[0].removeprefix("## ").lower() for cell in prose
    ]
    assert headings == ANATOMY[model][1:]
    for cell in prose:
        assert len(cell.source.split("\n", 1)) == 2, f"{cell.source} and no more"


def test_parameters_are_the_protocol_s(notebook):
    path, model, cells = notebook
    framework = BY_NOTEBOOK[path][0]
    name = framework.key if framework.tuned else path.stem.rpartition("_")[0]
    expected = {"FRAMEWORK": name, **MODELS[model], **COMMON}
    found = values(code(cells, "parameters"))
    assert found == expected
    assert list(found) == list(expected), "the same order everywhere"


def test_names_are_the_same_everywhere(notebook):
    _, model, cells = notebook
    assert {*NAMES[model], *RUN_NAMES} <= words(program(cells))
    assert {"set_weights", "get_weights"} <= functions(code(cells, "weights"))
    assert "assert_same_weights" in code(cells, "weights")


def test_the_article_s_lessons_are_answered_in_terms_that_the_notebook_has(notebook):
    path, model, cells = notebook
    answers = nbformat.read(path, as_version=4).metadata.get("lessons", {})
    expected = [key for key, lesson in LESSONS.items() if lesson.model == model]
    assert list(answers) == ([] if BY_NOTEBOOK[path][0].tuned else expected)
    text = "\n".join(cell.source for cell in cells)
    for answer in answers.values():
        assert 0 < len(answer) <= 100
        assert answer.count("`") % 2 == 0
        for term in answer.split("`")[1::2]:
            assert term in text, f"the notebook does not say {term}"


def test_code_parses(notebook):
    path, _, cells = notebook
    if language(path) == "Python":
        ast.parse(program(cells))
        return
    parser = PARSERS[language(path)]
    if not shutil.which(parser[0]):
        pytest.skip(f"needs {parser[0]}")
    subprocess.run(parser, input=program(cells), text=True, check=True)


def test_no_outputs_are_committed(notebook):
    _, _, cells = notebook
    for cell in cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


def test_a_cell_fits_a_screen(notebook):
    _, _, cells = notebook
    longest = max(cells, key=lambda cell: cell.source.count("\n"))
    assert longest.source.count("\n") < SCREEN, longest.id
    for cell in cells:
        assert max(map(len, cell.source.splitlines())) <= 100, cell.id
