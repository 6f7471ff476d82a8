"""Every notebook has the same cells in the same order, so that cell k of one sits beside cell k of another."""

import ast

import nbformat
import pytest

from common.params import COMMON, MODELS
from support import registry
from support.paths import NOTEBOOKS

START = ["title", "imports", "parameters", "versions", "data", "model", "weights"]
TRAINED = [*START, "optimizer", "train", "evaluate", "report"]
ANATOMY = {"CNN": TRAINED, "RNN": TRAINED, "Inference": [*START, "predict", "report"]}
DATA_NAMES = {"x_train", "y_train", "x_test", "y_test"}
TRAINED_NAMES = {*DATA_NAMES, "model", "loss", "optimizer", "accuracy"}
NAMES = {
    "CNN": TRAINED_NAMES,
    "RNN": TRAINED_NAMES,
    "Inference": {"x_test", "model", "features"},
}
SCREEN = 60  # lines

FRAMEWORKS = registry.load()
PATHS = sorted(
    {f.notebook(model): model for f in FRAMEWORKS.values() for model in MODELS}.items()
)


@pytest.fixture(params=PATHS, ids=lambda item: item[0].stem)
def notebook(request):
    path, model = request.param
    content = nbformat.read(path, as_version=4)
    nbformat.validate(content)
    return path, model, content.cells


def tag_of(cell):
    tags = cell.metadata.get("tags", [])
    return tags[0] if len(tags) == 1 else None


def code(cells, tag):
    return next(c.source for c in cells if c.cell_type == "code" and tag_of(c) == tag)


def values(source):
    """Name -> literal of a cell of plain assignments."""
    statements = ast.parse(source).body
    return {s.targets[0].id: ast.literal_eval(s.value) for s in statements}


def test_every_notebook_of_the_registry_exists_and_no_other():
    assert [path for path, _ in PATHS] == sorted(NOTEBOOKS.glob("*.ipynb"))


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


def test_parameters_are_the_protocol_s(notebook):
    path, model, cells = notebook
    expected = {"FRAMEWORK": path.stem.rpartition("_")[0], **MODELS[model], **COMMON}
    found = values(code(cells, "parameters"))
    assert found == expected
    assert list(found) == list(expected), "the same order everywhere"


def test_names_are_the_same_everywhere(notebook):
    _, model, cells = notebook
    source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    used = {
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)
    }
    assert NAMES[model] <= used
    weights = ast.parse(code(cells, "weights"))
    defined = {node.name for node in weights.body if isinstance(node, ast.FunctionDef)}
    assert {"set_weights", "get_weights"} <= defined
    assert "assert_same_weights" in code(cells, "weights")


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
