"""What a host elsewhere sends back is kept whole, checked first, and never in the way of earlier work."""

import json

import pytest
from toy_record import RECORD

from support.execution import perform
from support.execution.perform import DONE, FAILED, Result

NAME = "Toy_CNN_10-epochs_fp32_run-1"
FINISHED = {
    f"records/{NAME}.json": json.dumps(RECORD),
    f"notebooks/{NAME}.ipynb": '{"cells": []}',
}


def kept(folder, result):
    perform.keep(result, folder, folder / "records" / f"{NAME}.failed.json")
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_result_is_kept_with_its_notebook_and_its_machine(tmp_path):
    machine = json.dumps({"device": "Toy"})
    result = Result(DONE, "", FINISHED, machine=machine, ceilings="{}")
    assert kept(tmp_path, result) == {*FINISHED, "machine.json", "ceilings.json"}
    (tmp_path / "ceilings.json").write_text("mine")
    kept(tmp_path, result)
    assert (tmp_path / "ceilings.json").read_text() == "mine", "what is known stays"


def test_a_failure_leaves_what_was_finished_and_the_next_result_removes_it(tmp_path):
    before = kept(tmp_path, Result(DONE, "", FINISHED))
    failed = {f"records/{NAME}.failed.json": '{"status": "failed"}'}
    assert kept(tmp_path, Result(FAILED, "why", failed)) == {*before, *failed}
    assert kept(tmp_path, Result(DONE, "", FINISHED)) == before


@pytest.mark.parametrize(
    "name",
    [
        "../escape.json",
        "records/../../x.json",
        "/etc/x.json",
        "records/a/b.json",
        "machine.json",
        "records/x.ipynb",
        "notebooks/x.py",
    ],
)
def test_a_file_that_is_no_result_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(ValueError, match="no place of a result"):
        kept(tmp_path, Result(DONE, "", {**FINISHED, name: "{}"}))
    assert not list(tmp_path.rglob("*.json"))


def test_a_record_that_is_not_valid_is_refused(tmp_path):
    damaged = {
        **FINISHED,
        f"records/{NAME}.json": json.dumps({**RECORD, "seconds": -1}),
    }
    with pytest.raises(ValueError, match="no valid record"):
        kept(tmp_path, Result(DONE, "", damaged))
    assert not list(tmp_path.rglob("*.ipynb"))
