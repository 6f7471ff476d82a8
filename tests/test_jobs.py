"""A record is stale once something that its result depends on has changed, and only then; quick runs
are short, and proofs are not."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from support import registry
from support.cli import job_runs
from support.devices import choose
from support.equivalence import parity
from support.execution.jobs import Job
from support.execution.settings import Settings
from support.records import inputs

LANGUAGES = registry.languages()


@pytest.fixture
def common(tmp_path, monkeypatch):
    """A copy of common/ in place of the real one."""
    shutil.copytree(inputs.COMMON, tmp_path / "common")
    monkeypatch.setattr(inputs, "COMMON", tmp_path / "common")
    yield tmp_path / "common"
    inputs.common_digest.cache_clear()


def digests():
    inputs.common_digest.cache_clear()
    return {name: inputs.common_digest(each) for name, each in LANGUAGES.items()}


def changed(before):
    after = digests()
    return {name for name in before if before[name] != after[name]}


def append(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_sibling_of_common_concerns_its_own_language_alone(common):
    before = digests()
    append(common / "common.R", "more <- TRUE\n")
    assert changed(before) == {"R"}


@pytest.mark.parametrize("name", inputs.DECISIVE)
def test_what_decides_results_concerns_every_language(common, name):
    before = digests()
    append(common / name, "MORE = True\n")
    assert changed(before) == set(LANGUAGES)


@pytest.mark.parametrize("name", ["files.py", "sources.py"])
def test_how_data_are_found_and_downloaded_changes_no_result(common, name):
    before = digests()
    append(common / name, "MORE = True\n")
    assert changed(before) == set()


def test_comments_annotations_and_the_text_of_docstrings_change_no_result(common):
    path = common / "batches.py"
    code = path.read_text(encoding="utf-8")
    plain = 'def more(of):\n    """Some."""\n    return of\n'
    path.write_text(code + plain, encoding="utf-8")
    before = digests()
    told = 'def more(of: int) -> int:\n    """All."""\n    return of  # all\n'
    path.write_text(code + told, encoding="utf-8")
    assert changed(before) == set()


def job(kind=Job, model="CNN", **settings):
    framework = registry.frameworks()["PyTorch"]
    return kind(framework, model, Settings(choose.cpu(), Path("results"), **settings))


def test_a_quick_run_takes_small_batches_and_a_proof_those_of_the_protocol():
    quick = job(data="quick")
    assert quick.parameters["BATCHSIZE"] == 16 and quick.epochs == 2
    assert quick.variables == {"ROSETTA_EXAMPLES": "384"}
    for each in (job(), job(parity.ParityJob, data="quick")):
        assert "BATCHSIZE" not in each.parameters and each.epochs > 1


def test_a_quick_run_may_compile_faster_and_nothing_else_does():
    framework = replace(registry.frameworks()["PyTorch"], quick={"FASTER": "1"})
    settings = Settings(choose.cpu(), Path("results"))
    quick = replace(settings, data="quick")
    assert Job(framework, "CNN", quick).variables["FASTER"] == "1"
    assert Job(framework, "CNN", settings).variables == {}
    for check in parity.CHECKS:
        proof = parity.ParityJob(framework, "CNN", quick, check=check)
        assert "FASTER" not in proof.variables


def test_a_quick_run_predicts_one_small_batch_unless_an_option_says_how_many():
    assert job(model="Inference").insertion == ""
    assert job(model="Inference", data="quick").insertion == "x_test = x_test[:8]"
    chosen = job(model="Inference", data="quick", examples=32)
    assert chosen.insertion == "x_test = x_test[:32]"
    assert job(parity.ParityJob, "Inference", data="quick").insertion == ""


def test_what_takes_longest_comes_first_where_several_run_at_once():
    slow = registry.frameworks()["tinygrad"]
    jobs = [job(data="quick"), replace(job(data="quick"), framework=slow)]
    assert [j.framework.key for j in job_runs._in_order(jobs)] == [
        "tinygrad",
        "PyTorch",
    ]
    unknown = replace(jobs[0], framework=replace(jobs[0].framework, key="New"))
    assert job_runs._in_order([*jobs, unknown])[0] is unknown
    timed = [job(model=model) for model in ("CNN", "Inference", "RNN")]
    assert job_runs._in_order(timed) == timed
