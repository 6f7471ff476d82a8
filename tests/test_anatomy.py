"""Every notebook has the same cells in the same order, so that cell k of one sits beside cell k of another."""

import ast
import copy
import re
import shutil
import subprocess

import pytest

from support import registry
from support.basics.paths import NOTEBOOKS
from support.contributing import anatomy
from support.contributing.anatomy import Subject

SUBJECTS = {}  # path -> the notebook as one of the first framework that runs it
for framework in registry.frameworks().values():
    for model in framework.models:
        path = framework.notebook(model)
        SUBJECTS.setdefault(path, Subject(path, framework, model))
PARSERS = {  # commands that read a program from standard input and fail if it does not parse
    "JavaScript": ["node", "--input-type=module", "--check", "-"],
    "R": ["Rscript", "-e", "invisible(parse(file('stdin')))"],
    "Julia": ["julia", "-e", r'Meta.parse("begin\n$(read(stdin, String))\nend")'],
}


@pytest.fixture(params=sorted(SUBJECTS), ids=lambda path: path.stem)
def subject(request):
    return SUBJECTS[request.param]


def test_every_notebook_of_the_registry_exists_and_no_other():
    assert sorted(SUBJECTS) == sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("rule", anatomy.RULES, ids=lambda rule: rule.__name__)
def test_a_notebook_keeps_the_rules(subject, rule):
    assert list(rule(subject)) == []


def test_code_parses(subject):
    language = subject.framework.language.name
    if language == "Python":
        ast.parse(subject.program)
        return
    parser = PARSERS.get(language)
    if not parser or not shutil.which(parser[0]):
        pytest.skip(f"needs {parser[0] if parser else f'a parser of {language}'}")
    subprocess.run(parser, input=subject.program, text=True, check=True)


def test_a_pipeline_of_tf_data_does_not_tune_itself():
    """Its thread sleeps for up to as long as the pipeline has run, and the end of a timed epoch waits for it."""
    off = re.compile(r"autotune[.$]enabled (= False|<- FALSE)")
    programs = {path.stem: one.program for path, one in SUBJECTS.items()}
    with_pipeline = {
        name for name, text in programs.items() if "from_tensor_slices" in text
    }
    assert with_pipeline
    assert [
        name for name in sorted(with_pipeline) if not off.search(programs[name])
    ] == []


# What breaks a rule is found: a rule that finds nothing would hold nothing.


@pytest.fixture
def broken():
    """A notebook to be broken."""
    good = SUBJECTS[NOTEBOOKS / "PyTorch_CNN.ipynb"]
    one = Subject(good.path, good.framework, good.model)
    one.__dict__["content"] = copy.deepcopy(good.content)
    assert anatomy.problems(one) == []
    return one


def cell(subject, tag):
    return next(c for c in subject.cells if anatomy.tag_of(c) == tag)


def edit(tag, old, new):
    def change(subject):
        found = cell(subject, tag)
        assert old in found.source
        found.source = found.source.replace(old, new)

    return change


@pytest.mark.parametrize(
    "change, problem",
    [
        (lambda s: s.cells.pop(), "each after a cell of prose"),
        (lambda s: s.cells[1].update(source="## Imports"), "without prose"),
        (lambda s: s.cells[1].update(source="## Begin\nx"), "heading before imports"),
        (
            edit("parameters", "LR = 0.01", "LR = 0.1"),
            "LR = 0.1, the protocol has 0.01",
        ),
        (edit("parameters", "SEED = 42", "SEED = int(42)"), "has no plain value"),
        (edit("train", "end_epoch", "finish"), "the name end_epoch is not used"),
        (edit("weights", "def set_weights", "def put"), "set_weights is not defined"),
        (
            lambda s: s.content.metadata.lessons.pop("layout"),
            "expected: auto_tuning, layout, pipeline",
        ),
        (
            lambda s: s.content.metadata.lessons.update(layout="by `magic`"),
            "the notebook does not say `magic`",
        ),
        (lambda s: cell(s, "train").update(execution_count=1), "an execution count"),
        (lambda s: cell(s, "train").update(source="x\n" * 61), "at most 60 fit"),
        (lambda s: cell(s, "train").update(source="x" * 101), "more than 100"),
    ],
)
def test_what_breaks_a_rule_is_named(broken, change, problem):
    change(broken)
    assert problem in "; ".join(anatomy.problems(broken))


def test_what_is_no_notebook_is_named(tmp_path):
    path = tmp_path / "none.ipynb"
    path.write_text("{")
    good = SUBJECTS[NOTEBOOKS / "PyTorch_CNN.ipynb"]
    (problem,) = anatomy.problems(Subject(path, good.framework, good.model))
    assert problem.startswith("it cannot be read: ")
