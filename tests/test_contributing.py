"""A contributor gets a start, is told what is missing, and shares results that say nothing private."""

import json

import nbformat
import pytest
from command_line import run_all
from toy_record import RECORD

from support import registry
from support.basics.errors import NotPossible, UsageError
from support.contributing import check, new, share

# new and check


@pytest.fixture
def made_up(tmp_path):
    """A framework of its own folder that begins as NumPy."""
    folder = tmp_path / "outside"
    done = run_all("new", "MadeUp", "--like", "NumPy", "--to", str(folder))
    assert done.returncode == 0, done.stderr
    assert "check MadeUp" in done.stdout
    return folder


def checked(folder):
    done = run_all("check", "MadeUp", ROSETTA_FRAMEWORKS=str(folder))
    return done.returncode, done.stdout, done.stderr


def test_a_start_lacks_nothing_but_its_parity(made_up):
    status, told, _ = checked(made_up)
    assert status == 1
    assert "MadeUp (MadeUp)" in told
    missing = [line for line in told.splitlines() if line.startswith("  missing")]
    assert missing == ["  missing  parity"]
    assert "CNN outputs: not run" in told and "parity --gpu none -f MadeUp" in told


def test_its_notebooks_have_its_name(made_up):
    notebook = nbformat.read(made_up / "notebooks" / "MadeUp_RNN.ipynb", as_version=4)
    source = {c.metadata.get("tags", [""])[0]: c.source for c in notebook.cells}
    assert source["title"].splitlines()[0] == "# GRU on IMDB – MadeUp"
    assert source["parameters"].startswith('FRAMEWORK = "MadeUp"\n')
    assert notebook.metadata.kernelspec.name == "rosetta-madeup"


def test_what_is_missing_is_named(made_up):
    entry = made_up / "frameworks" / "MadeUp.toml"
    entry.write_text(entry.read_text().replace('loss = "', 'unloss = "'))
    (made_up / "notebooks" / "MadeUp_RNN.ipynb").unlink()
    (made_up / "environments" / "madeup" / "cpu.in").write_text(
        "numpy\nno-such-thing\n"
    )
    path = made_up / "notebooks" / "MadeUp_CNN.ipynb"
    path.write_text(path.read_text().replace('"LR = 0.01\\n"', '"LR = 0.02\\n"'))
    status, told, _ = checked(made_up)
    assert status == 1
    for line in (
        "conventions has no loss: one of mean, ",
        "MadeUp_RNN.ipynb is missing",
        "cpu.txt is not resolved: python run_all.py pins madeup",
        "LR = 0.02, the protocol has 0.01",
        "no phrase for ",
    ):
        assert line in told


def test_a_framework_without_an_entry_is_named():
    done = run_all("check", "PyTroch")
    assert done.returncode == 2
    assert (
        "no entry PyTroch.toml" in done.stderr
        and "PyTorch, PyTorch_tuned?" in done.stderr
    )


@pytest.mark.parametrize("key", ["PyTorch", "a/b", "a b", ".."])
def test_a_key_that_is_taken_or_no_name_is_refused(key, tmp_path):
    with pytest.raises(UsageError):
        new.start(key, registry.frameworks()["NumPy"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_trap_concerns_the_models_that_can_walk_into_it():
    inference = registry.frameworks()["ONNX_Runtime"]
    assert check.concerns("padding", inference)
    assert not check.concerns("gru_kind", inference)
    assert not check.concerns("loss", inference)


@pytest.mark.parametrize("key", registry.frameworks())
def test_every_framework_here_is_complete_but_for_runs(key):
    framework = registry.frameworks()[key]
    found = {part.name: part.problems for part in check.parts(framework)}
    del found["parity"]
    assert not any(found.values()), found


# share


@pytest.fixture
def machine(tmp_path):
    """A results folder with one run on a GPU."""
    folder = tmp_path / "results" / "toy"
    gpus = [{"name": "Toy GPU", "uuid": "GPU-secret", "driver": "1"}]
    record = {
        **RECORD,
        "hardware": {**RECORD["hardware"], "gpus": gpus},
        "installation": "a random text",
        "executed": "notebooks/run.ipynb",
    }
    write(folder / "records" / "run.json", record)
    cells = [nbformat.v4.new_code_cell("1 + 1")]
    (folder / "notebooks").mkdir()
    executed = folder / "notebooks" / "run.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), executed)
    write(folder / "machine.json", {"schema": 1, "device": "Toy GPU"})
    return folder


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_what_is_shared_has_no_uuid_and_no_checkout(machine, tmp_path):
    packed = share.pack(machine, tmp_path / "out")
    names = {path.relative_to(packed.folder).as_posix() for path in packed.files}
    assert names == {"records/run.json", "notebooks/run.ipynb", "machine.json"}
    text = (tmp_path / "out" / "records" / "run.json").read_text()
    assert "GPU-secret" not in text and "a random text" not in text
    assert not packed.left_out


def test_what_is_private_broken_or_a_link_is_left_out_and_named(machine, tmp_path):
    good = json.loads((machine / "records" / "run.json").read_text())
    write(machine / "records" / "path.json", {**good, "reason": "/home/jo/x failed"})
    write(machine / "records" / "wrong.json", {**good, "seconds": "fast"})
    (machine / "records" / "half.json").write_text('{"framework": ')
    (machine / "records" / "link.json").symlink_to("/etc/passwd")
    write(machine / "records" / "away.json", {**good, "executed": "../x.ipynb"})
    (machine / "x.ipynb").write_text("{}")
    (machine.parent / "x.ipynb").write_text("{}")
    packed = share.pack(machine, tmp_path / "out")
    assert {path.name for path in packed.left_out} == {
        *("path.json", "wrong.json", "half.json", "link.json", "away.json")
    }
    assert "/home/jo" in packed.left_out[machine / "records" / "path.json"]
    assert (tmp_path / "out" / "records" / "run.json").exists()


def test_nothing_is_overwritten_and_nothing_is_said(machine, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(NotPossible, match="is not empty"):
        share.pack(machine, tmp_path / "out")
    (machine / "records" / "run.json").write_text("{}")
    with pytest.raises(NotPossible, match="no record that can be shared"):
        share.pack(machine, tmp_path / "other")
