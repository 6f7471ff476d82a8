"""What is added to a notebook before it is executed."""

from pathlib import Path

import nbformat

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
