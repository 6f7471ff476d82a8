"""A record is stale once something that its result depends on has changed, and only then."""

import shutil

import pytest

from support import jobs
from support.paths import ROOT


@pytest.fixture
def common(tmp_path, monkeypatch):
    """A copy of common/ in place of the real one."""
    shutil.copytree(ROOT / "common", tmp_path / "common")
    monkeypatch.setattr(jobs, "ROOT", tmp_path)
    yield tmp_path / "common"
    jobs._common_digest.cache_clear()


def digests():
    jobs._common_digest.cache_clear()
    return {name: jobs._common_digest(name) for name in ("Python", "R", "Julia")}


def changed(before):
    after = digests()
    return {name for name in before if before[name] != after[name]}


def append(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_sibling_of_common_concerns_its_own_language_alone(common):
    before = digests()
    append(common / "common.R", "more <- TRUE\n")
    assert changed(before) == {"R"}


def test_the_python_package_concerns_every_language(common):
    before = digests()
    append(common / "params.py", "# a comment changes nothing\n")
    assert changed(before) == set()
    append(common / "params.py", "MORE = True\n")
    assert changed(before) == {"Python", "R", "Julia"}
