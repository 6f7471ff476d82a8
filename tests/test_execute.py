"""What is added to a notebook before it is executed, and how its kernel is started."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from support import registry
from support.devices.choose import Device
from support.execution import notebook
from support.execution.jobs import Job
from support.execution.settings import Settings


def job(model, **settings):
    device = Device("cpu", "Toy CPU")
    chosen = Settings(device, Path("results"), **settings)
    return Job(registry.frameworks()["PyTorch"], model, chosen)


def prepared(one, evaluations=1):
    """The notebook that would be executed."""
    order = {
        "notebook": one.notebook,
        "evaluations": evaluations,
        "insertion": one.insertion,
    }
    return notebook.prepared(order)


def test_fewer_images_to_predict_are_taken_in_the_sight_of_the_reader():
    cells = prepared(job("Inference", examples=256)).cells
    tags = [notebook.tag(cell) for cell in cells]
    place = tags.index("inserted")
    assert cells[place].source == "x_test = x_test[:256]"
    assert tags[place - 1] == "data"


def test_a_notebook_is_executed_as_it_is_unless_something_is_added():
    own = nbformat.read(job("Inference").notebook, as_version=4)
    assert prepared(job("Inference")) == own


def test_fewer_training_examples_need_no_code():
    limited = job("CNN", examples=9600)
    assert limited.variables == {"ROSETTA_EXAMPLES": "9600"}
    assert limited.insertion == ""
    assert limited.digests() != job("CNN").digests()


def test_further_evaluations_repeat_cells_and_train_nothing():
    once, thrice = prepared(job("CNN")), prepared(job("CNN"), evaluations=3)
    nbformat.validate(thrice)
    count = len(once.cells)
    assert thrice.cells[:count] == once.cells
    code = [cell for cell in thrice.cells[count:] if cell.cell_type == "code"]
    assert [notebook.tag(cell) for cell in code] == [*notebook.EVALUATION] * 2
    turns = [cell.metadata.get("evaluation") for cell in code]
    assert turns == [1, None, None, 2, None, None]


@pytest.mark.parametrize("failures, status", [(0, 0), (2, 0), (3, 1)])
def test_a_kernel_that_ends_before_it_answers_is_started_again(
    tmp_path, failures, status
):
    """As one whose port another process has taken meanwhile."""
    start = f"""echo start >> starts
[ $(wc -l < starts) -le {failures} ] && {{ echo 'Address already in use' >&2; exit 1; }}
exec {sys.executable} -m ipykernel_launcher -f "$1" """
    spec = {
        "argv": ["sh", "-c", start, "sh", "{connection_file}"],
        "display_name": "Toy",
        "language": "python",
    }
    folder = tmp_path / "kernels" / "toy"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    cells = [nbformat.v4.new_code_cell("print(6 * 7)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "toy.ipynb")
    order = {
        "notebook": str(tmp_path / "toy.ipynb"),
        "executed": str(tmp_path / "executed.ipynb"),
        "exchange": "",
        "evaluations": 1,
        "insertion": "",
        "failure": str(tmp_path / "failure.json"),
        "cell": str(tmp_path / "cell"),
        "parameters": {},
        "kernel": "toy",
        "language": "python",
        "assignment": "",
        "comment": "",
        "integer": "",
        "timeout": 60,
        "folder": str(tmp_path),
    }
    (tmp_path / "order.json").write_text(json.dumps(order))
    process = subprocess.run(
        [sys.executable, "-m", "support.execution.notebook", tmp_path / "order.json"],
        env={**os.environ, "JUPYTER_PATH": str(tmp_path), "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == status, process.stderr
    starts = (tmp_path / "starts").read_text().count("start")
    assert starts == min(failures + 1, notebook.STARTS)
    assert process.stderr.count("Address already in use") == failures
    if status:
        assert "Kernel died" in (tmp_path / "failure.json").read_text()
    else:
        executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
        assert executed.cells[-1].outputs[0].text == "42\n"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("ONNX_Runtime_JS", '// Parameters\nDATA = "quick";\nSEED = 42;\n'),
        ("Keras_R", '# Parameters\nDATA <- "quick"\nSEED <- 42L\n'),
    ],
)
def test_parameters_are_written_as_a_language_s_entry_says(key, code):
    language = registry.frameworks()[key].language
    known = notebook.translator(language.assignment, language.comment, language.integer)
    assert known.codify({"DATA": "quick", "SEED": 42}, "Parameters") == code
