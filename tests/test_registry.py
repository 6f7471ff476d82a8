"""The registry's files: what is wrong with one is told in a line, and all others are there."""

import logging
import re

import pytest
from toy_checkout import (
    FRAMEWORK,
    TRAIN,
    VERSION,
    write_environment,
    write_framework,
    write_notebook,
)

from support import registry
from support.basics.paths import REGISTRY
from support.registry import reading


@pytest.fixture(autouse=True)
def told(monkeypatch, caplog):
    """What is told while the registry is read again, and nothing of the caller's is in it."""
    monkeypatch.delenv("ROSETTA_FRAMEWORKS", raising=False)
    caplog.set_level(logging.WARNING)
    reading.clear()
    yield lambda: sorted(set(caplog.messages))
    reading.clear()


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder outside the repository that the registry is to read too, with one framework."""
    folder = tmp_path / "outside"
    write_framework(folder, "Fine", "torch")
    monkeypatch.setenv("ROSETTA_FRAMEWORKS", str(folder))
    return folder


def names(pattern):
    """The names of the repository's own entries."""
    return {path.relative_to(REGISTRY).parts[1] for path in REGISTRY.glob(pattern)}


def test_the_repository_s_own_entries_are_all_right(told):
    frameworks = {f"{key}.toml" for key in registry.frameworks()}
    assert frameworks == names("frameworks/*")
    assert {f"{name}.toml" for name in registry.languages()} == names("languages/*")
    assert set(reading.environments()) == names("environments/*")
    assert told() == []


# What is wrong

ENTRY = FRAMEWORK.format(key="Wrong", environment="torch")


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("label", "color = 3\nlabel", "unknown field 'color'; there are label, "),
        ('release = "1"', "", "'release' is missing"),
        ('label = "Wrong"', "label = 3", "label = 3 should be a text"),
        ('["fp32"]', '"fp32"', "precisions = 'fp32' should be a list of texts"),
        ('["fp32"]', "[32]", "precisions = [32] should be a list of texts"),
        ('["fp32"]', '["fp8"]', "precisions: 'fp8' is unknown; there are fp32, "),
        ("label", 'models = ["GAN"]\nlabel', "models: 'GAN' is unknown; there are CNN"),
        ("label", 'tuned = "no"\nlabel', "tuned = 'no' should be true or false"),
        ("label", 'notebooks = "../x"\nlabel', "notebooks = '../x' is no prefix of"),
        (
            "label",
            "sharing = {A = 1}\nlabel",
            "sharing = {'A': 1} should be a table of",
        ),
        ("label", 'mistakes = ["x"]\nlabel', "mistakes = ['x'] should be a list of "),
        ("label", 'mistakes = [{title = "x"}]\nlabel', "a mistake has check, edits, "),
        (
            '"living"',
            '"alive"',
            "state: 'alive' is unknown; there are living, archived",
        ),
        (
            '"Python"',
            '"Perl"',
            "language = 'Perl' is unknown; there are JavaScript, Julia",
        ),
        ('"torch"', '"moon"', "environment = 'moon' is unknown; there are "),
        ("label", 'like = "Nothing"\nlabel', "like = 'Nothing' is unknown"),
        ('"Wrong"', '"Fine"', "label = 'Fine' is that of Fine already"),
        ('"living"', '"living', "(at line "),
    ],
)
def test_an_entry_that_is_wrong_is_named_and_the_others_are_there(
    told, outside, old, new, problem
):
    assert old in ENTRY
    path = outside / "frameworks" / "Wrong.toml"
    path.write_text(ENTRY.replace(old, new, 1))
    found = {f"{key}.toml" for key in registry.frameworks()}
    assert found == {*names("frameworks/*"), "Fine.toml"}
    [message] = told()
    assert message.startswith(f"{path} is left out: ")
    assert problem in message and "\n" not in message


def test_a_file_that_is_no_text_is_named(told, outside):
    (outside / "frameworks" / "Noise.toml").write_bytes(b"\xff\xfe\x00")
    (outside / "frameworks" / "Folder.toml").mkdir()
    assert "Fine" in registry.frameworks()
    folder, noise = told()
    assert "Folder.toml is left out: " in folder and "directory" in folder
    assert "Noise.toml is left out: " in noise


def test_a_key_is_fit_for_names_of_files_and_kernels(told, outside):
    write_framework(outside, "My net", "torch")
    assert "My net" not in registry.frameworks()
    assert "letters, digits, '_' and '-' only" in told()[0]


def test_an_environment_that_is_wrong_takes_its_frameworks_with_it(told, outside):
    write_environment(outside, "mine", "3.11")
    entry = outside / "environments" / "mine" / "environment.toml"
    entry.write_text("python = 3.11\n")
    write_framework(outside, "Mine", "mine")
    assert "Mine" not in registry.frameworks() and "Fine" in registry.frameworks()
    environment, framework = told()
    assert environment == f"{entry} is left out: python = 3.11 should be a text"
    assert "environment = 'mine' is unknown" in framework


def test_what_is_there_already_is_never_replaced(told, outside):
    write_framework(outside, "PyTorch")
    write_environment(outside, "torch", "3.11")
    (outside / "languages").mkdir()
    (outside / "languages" / "Python.toml").write_text("jupyter = 'mine'\n")
    assert registry.frameworks()["PyTorch"].root == REGISTRY
    assert registry.frameworks()["Fine"].environment.folder.is_relative_to(REGISTRY)
    assert registry.languages()["Python"].jupyter == "python"
    messages = told()
    assert len(messages) == 3
    for message, name in zip(messages, ("torch", "PyTorch", "Python")):
        assert f"there is {name} already, in {REGISTRY}" in message


def test_a_folder_without_frameworks_is_told_of(told, monkeypatch, tmp_path):
    for one in ("first", "second"):
        write_framework(tmp_path / one, one, "torch")
    monkeypatch.setenv("ROSETTA_FRAMEWORKS", f"{tmp_path}/first::second:nowhere")
    monkeypatch.chdir(tmp_path)
    assert {"first", "second"} <= set(registry.frameworks())
    expected = f"ROSETTA_FRAMEWORKS: {tmp_path}/nowhere has no frameworks/*.toml"
    assert told() == [expected]


# Frameworks beside each other


def add(folder, key, **fields):
    """An entry with more fields."""
    path = write_framework(folder, key, "torch")
    lines = [f"{name} = {value}\n" for name, value in fields.items()]
    text = path.read_text().replace('state = "living"\n', "")
    path.write_text("".join(lines) + text)


def test_the_living_come_first_and_tuned_ones_last(outside):
    add(outside, "zebra", state="'living'")
    add(outside, "Aal", state="'archived'")
    add(outside, "Ant", state="'living'", tuned="true")
    frameworks = list(registry.frameworks().values())
    keys = [framework.key for framework in frameworks]
    assert keys.index("Fine") < keys.index("zebra") < keys.index("Aal")
    assert keys.index("Aal") < keys.index("Ant")
    places = [
        (framework.tuned, framework.state == "archived", framework.label.casefold())
        for framework in frameworks
    ]
    assert places == sorted(places)


def test_one_that_is_like_another_has_its_conventions_but_for_its_own(outside):
    add(
        outside, "One", state="'living'", conventions="{ loss = 'mean', flatten = 'x' }"
    )
    add(outside, "Two", state="'living'", like="'One'", conventions="{ loss = 'sum' }")
    found = registry.frameworks()
    assert found["Two"].conventions == {"loss": "sum", "flatten": "x"}
    assert found["One"].conventions == {"loss": "mean", "flatten": "x"}


def test_those_that_run_the_same_notebooks_are_one_family(outside):
    add(outside, "One", state="'living'", notebooks="'Shared'")
    add(outside, "Two", state="'living'", notebooks="'Shared'")
    add(outside, "Three", state="'living'", notebooks="'Shared'", tuned="true")
    one, two, three = (registry.frameworks()[k] for k in ("One", "Two", "Three"))
    assert one.family == two.family == "Shared" and three.family == "Shared_tuned"
    assert one.notebook("CNN") == two.notebook("CNN")
    assert one.notebook("CNN") == outside / "notebooks" / "Shared_CNN.ipynb"
    assert three.notebook("CNN").name == "Shared_CNN_tuned.ipynb"


@pytest.mark.parametrize(
    "keys, models, expected",
    [
        (["keras (tensorflow)"], ["gru"], [("Keras", "RNN")]),
        (
            ["PYTORCH"],
            ["ResNet-50", "cnn"],
            [("PyTorch", "CNN"), ("PyTorch", "Inference")],
        ),
        (["PyTorch", "PyTorch"], ["CNN"], [("PyTorch", "CNN")]),
        (["PyTorch_tuned"], ["Inference"], []),
    ],
)
def test_names_are_keys_or_labels_whatever_their_case(keys, models, expected):
    pairs = registry.select(registry.frameworks(), keys, models)
    assert [(framework.key, model) for framework, model in pairs] == expected


def test_without_names_everything_is_selected_model_by_model():
    known = registry.frameworks()
    pairs = registry.select(known)
    assert len(pairs) == sum(len(framework.models) for framework in known.values())
    models = [model for _, model in pairs]
    assert models == sorted(models, key=["CNN", "RNN", "Inference"].index)
    of_torch = registry.select(known, environments=["TORCH"])
    assert {framework.environment.name for framework, _ in of_torch} == {"torch"}


# A framework from outside, from its run to its pages


@pytest.mark.slow
def test_a_framework_from_outside_is_run_and_published_as_any_other(checkout, tmp_path):
    folder = tmp_path / "mine"
    write_framework(folder, "Away", "elsewhere")
    write_environment(folder, "elsewhere", VERSION)
    (folder / "notebooks").mkdir()
    write_notebook(folder / "notebooks" / "Away_RNN.ipynb", TRAIN["Good"])
    variables = {"ROSETTA_FRAMEWORKS": str(folder)}
    run = checkout.run("--quick", "-m", "RNN", "-f", "Away", **variables)
    assert run.returncode == 0, run.stdout + run.stderr
    assert checkout.record("Away")["environment"]["name"] == "elsewhere"

    listed = checkout.run("--quick", "-m", "RNN", "--list", **variables).stdout
    assert re.search(r"^Away +done +elsewhere$", listed, re.MULTILINE)
    assert "Away" not in checkout.run("--quick", "-m", "RNN", "--list").stdout

    [page] = (checkout.root / "results").glob("*/quick/README.md")
    page.unlink()
    assert checkout.run("tables", **variables).returncode == 0
    assert "[Away](notebooks/Away_RNN_" in page.read_text()

    site = tmp_path / "site"
    built = checkout.run("site", "--output", str(site), **variables)
    assert built.returncode == 0, built.stderr
    assert (site / "notebooks" / "Away_RNN.html").exists()
    [run] = site.glob("results/*/quick/Away_RNN_*.html")
    assert run.name in (run.parent / "index.html").read_text()
