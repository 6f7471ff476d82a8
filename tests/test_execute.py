"""What is added to a notebook before it is executed."""

import nbformat

from support import execute
from support.devices import Device
from support.jobs import Job, Settings
from support.registry import load


def job(model, **settings):
    device = Device("cpu", "Toy CPU")
    return Job(load()["PyTorch"], model, Settings(device, **settings))


def prepared(tmp_path, model, **settings):
    """The notebook that would be executed."""
    one = job(model, **settings)
    order = {
        "notebook": one.notebook,
        "executed": str(tmp_path / "executed.ipynb"),
        "evaluations": 1,
        "insertion": one.insertion,
    }
    return nbformat.read(execute.prepared(order), as_version=4)


def test_fewer_images_to_predict_are_taken_in_the_sight_of_the_reader(tmp_path):
    cells = prepared(tmp_path, "Inference", examples=256).cells
    tags = [execute.tag(cell) for cell in cells]
    place = tags.index("inserted")
    assert cells[place].source == "x_test = x_test[:256]"
    assert tags[place - 1] == "data"


def test_a_notebook_is_executed_as_it_is_unless_something_is_added(tmp_path):
    own = nbformat.read(job("Inference").notebook, as_version=4)
    assert prepared(tmp_path, "Inference") == own


def test_fewer_training_examples_need_no_code(tmp_path):
    limited = job("CNN", examples=9600)
    assert limited.variables == {"ROSETTA_EXAMPLES": "9600"}
    assert limited.insertion == ""
    assert limited.digests() != job("CNN").digests()
