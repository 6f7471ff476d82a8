"""All records in one DataFrame, and what several runs say together."""

import re
import warnings
from pathlib import Path

import pandas as pd
import pytest
from toy_record import RECORD

from support import registry
from support.basics.paths import RESULTS, ROOT
from support.records import frame, inputs, statistics, store
from support.records.key import Group, RunKey

pytestmark = pytest.mark.filterwarnings("error")

FRAMEWORKS = registry.frameworks()
BUSY = "other processes used 76% of the processors meanwhile"
DISTURBED = {"load": {"disturbed": [BUSY]}}
INSTALLED = {
    "environment": {
        "kind": "installed",
        "name": "installed",
        "digest": "1",
        "packages": {"torch": "2.11.0"},
    },
    "versions": {"PyTorch": "2.11.0"},
}
INFERENCE = {"model": "Inference", "epochs": None, "accuracy": None}
OF_FAILURES = (  # all that a failure's record has
    *("schema", "framework", "model", "tuned", "purpose", "repeat", "device", "data"),
    *("epochs", "examples_limit", "precision", "environment", "digests"),
)


@pytest.fixture(autouse=True, params=["texts as they are", "texts as objects"])
def texts(request):
    """pandas 3 keeps texts as str. pandas 2, which Python 3.10 has, keeps them as objects."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the option goes with pandas 4
        before = pd.get_option("future.infer_string")
        pd.set_option("future.infer_string", before and request.param.endswith("are"))
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pd.set_option("future.infer_string", before)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "toy"


@pytest.fixture
def write(folder):
    """Write records into a results folder, each under its name; returns all that it then has."""

    def write_records(*changes):
        for change in changes:
            record = {**RECORD, **change}
            path = folder / "records" / f"{RunKey.of(record).stem}.json"
            store.write(path, record)
        return frame.load([folder])

    return write_records


def times(*seconds, **changes):
    """Repeats of one run that take these seconds."""
    return [
        {"seconds": float(taken), "repeat": number, **changes}
        for number, taken in enumerate(seconds, start=1)
    ]


def failed(folder, **changes):
    """Write a failure's record, which has no figures; returns all that the folder then has."""
    record = {name: RECORD[name] for name in OF_FAILURES}
    record |= {"status": "failed", "reason": "the kernel died", **changes}
    path = folder / "records" / f"{RunKey.of(record).stem}.failed.json"
    store.write(path, record)
    return frame.load([folder])


def only(table):
    """The only row."""
    assert len(table) == 1
    return table.iloc[0]


# --- the frame


def described():
    """Column -> type, as the module's docstring has them."""
    line = re.compile(r"    (\w+(?:, \w+)*)  +(\w+(?:, \w+)*)(?:  +.*)?")
    found = {}
    for columns, types in (
        match.groups()
        for match in map(line.fullmatch, frame.__doc__.splitlines())
        if match
    ):
        names, kinds = columns.split(", "), types.split(", ")
        kinds *= len(names) if len(kinds) == 1 else 1
        found.update(zip(names, kinds, strict=True))
    return found


DTYPES = {"int": "int64", "float": "float64", "bool": "bool", "Int64": "Int64"}
CLASSES = {"text": str, "Path": Path, "Group": Group, "dict": dict}


def test_the_docstring_names_every_column_and_nothing_else():
    assert sorted(described()) == sorted(frame.COLUMNS)
    assert set(described().values()) == {*DTYPES, *CLASSES}


@pytest.mark.parametrize("content", ["a run", "a failure", "inference", "nothing"])
def test_columns_have_the_types_that_the_docstring_gives(write, folder, content):
    made = {
        "a run": lambda: write({}),
        "a failure": lambda: failed(folder),
        "inference": lambda: write(INFERENCE),
        "nothing": lambda: write(),
    }
    runs = made[content]()
    assert list(runs.columns) == frame.COLUMNS
    for column, kind in described().items():
        if kind in DTYPES:
            assert runs[column].dtype == DTYPES[kind], column
        for value in runs[column].dropna() if kind in CLASSES else ():
            assert isinstance(value, CLASSES[kind]), column


def test_every_run_is_a_row(write, folder):
    runs = write(*times(50, 60), {"framework": "JAX", "seconds": 40.0})
    runs = failed(folder, framework="CNTK")
    assert list(runs.framework) == ["CNTK", "JAX", "PyTorch", "PyTorch"]
    assert list(runs.ok) == [False, True, True, True]
    assert list(runs.seconds.dropna()) == [40.0, 50.0, 60.0]
    assert list(runs.path) == sorted((folder / "records").iterdir())


def test_a_row_says_what_its_record_says(write):
    run = only(write({"git_commit": "abc", "weights": "seed 42"}))
    assert (run.machine, run.label, run.state) == ("toy", "PyTorch", "living")
    assert (run.model, run.epochs, run.precision) == ("CNN", 10, "fp32")
    assert (run.environment, run.environment_name) == ("pinned", "torch")
    assert (run.seconds, run.cold, run.steady) == (50.0, 9.0, 4.5)
    assert (run.throughput, run.accuracy) == (9996.8, 0.775)
    assert (run.version, run.weights) == ("PyTorch 2.13.0", "seed 42")
    assert (run.disturbed, run.reason, run.git_commit) == ("", "", "abc")
    assert run.group == Group("CNN", 10, "fp32")
    assert run.record["hardware"] == RECORD["hardware"]


def test_what_is_unknown_is_missing(folder):
    run = only(failed(folder, examples_limit=None))
    for column in ("seconds", "cold", "accuracy", "parameters", "examples_limit"):
        assert pd.isna(run[column]), column
    assert run.executed is None
    assert run.version == ""


def test_one_epoch_is_cold_and_inference_has_no_epochs(write):
    runs = write({"epochs": 1, "epoch_seconds": [9.0]}, INFERENCE)
    assert list(runs.cold.dropna()) == [9.0]
    assert runs.steady.isna().all()
    assert list(runs.epochs.isna()) == [False, True]


def test_memory_and_energy_are_columns(write):
    measured = {
        "peak_memory_mib": 2048.5,
        "peak_gpu_memory_mib": 700,
        "energy_joules": {"cpu": None, "gpu": 1234.5},
    }
    run = only(write(measured))
    assert (run.peak_memory_mib, run.peak_gpu_memory_mib) == (2048.5, 700.0)
    assert run.gpu_joules == 1234.5
    assert pd.isna(run.cpu_joules)


def test_a_framework_that_is_unknown_here_is_shown_under_its_key(write):
    runs = write({"framework": "Of_a_friend"}, {})
    assert list(runs.label) == ["Of_a_friend", "PyTorch"]
    assert list(runs.state) == ["", "living"]
    assert list(statistics.summary(runs).label) == ["PyTorch", "Of_a_friend"]


def test_a_run_whose_notebook_has_changed_since_is_outdated(write):
    now = inputs.digests_of(FRAMEWORKS["PyTorch"], "CNN")
    changed = {**now, "notebook": "0" * 16}
    mistake = {"title": "Unit gain", "trap": "init"}
    runs = write(
        {"digests": now},
        {"digests": {**now, "common": "0" * 16}, "repeat": 2},
        {"digests": {}, "repeat": 3},
        {"digests": changed, "repeat": 4},
        # a mistake is made in a copy, which is another notebook in any case
        {"digests": changed, "purpose": "unit-gain", "mistake": mistake},
        {"digests": changed, "framework": "Of_a_friend"},
    )
    outdated = runs[runs.outdated]
    assert list(outdated.repeat) == [4]


def test_executed_notebooks_are_found_where_they_are_kept(write, folder):
    (folder / "notebooks").mkdir(parents=True)
    kept = folder / "notebooks" / "kept.ipynb"
    kept.write_text("{}")
    (folder / "notebooks" / "link.ipynb").symlink_to(kept)
    names = ["notebooks/kept.ipynb", "../../kept.ipynb", "notebooks/link.ipynb"]
    names += ["notebooks/gone.ipynb", None]
    runs = write(*({"executed": n, "repeat": r} for r, n in enumerate(names, 1)))
    assert list(runs.executed) == [kept, kept, None, None, None]


@pytest.mark.parametrize("part", ["", "quick", "verify", "parity", "transfer"])
def test_a_part_of_a_machines_folder_is_of_that_machine(folder, part):
    store.write(folder / part / "records" / "a.json", RECORD)
    run = only(frame.load([folder / part]))
    assert (run.machine, run.folder) == ("toy", folder / part)


def test_a_damaged_record_is_told_of_and_stops_nothing(write, folder, caplog):
    (folder / "records").mkdir(parents=True)
    (folder / "records" / "a.json").write_text("{")
    assert len(write({})) == 1
    assert "a.json is left out" in caplog.text


def test_without_folders_every_run_on_real_data_is_loaded():
    runs = frame.load()
    assert set(runs.path) == set(RESULTS.glob("*/records/*.json"))
    assert set(runs.data) == {"real"}
    assert set(runs.purpose) == {"run"}


# --- statistics


def test_runs_of_one_thing_are_a_row_with_median_and_range(write):
    row = only(statistics.summary(write(*times(60, 90, 66))))
    assert (row.seconds, row.seconds_low, row.seconds_high) == (66.0, 60.0, 90.0)
    assert (row.cold, row.steady, row.accuracy) == (9.0, 4.5, 0.775)
    assert (row["count"], row.finished) == (3, 3)
    assert (len(row.counted), len(row.runs)) == (3, 3)


def test_a_pinned_and_an_installed_run_are_two_rows(write):
    rows = statistics.summary(write({"seconds": 50.0}, {"seconds": 70.0, **INSTALLED}))
    assert list(rows.label) == ["PyTorch", "PyTorch, installed"]
    assert list(rows.environment) == ["pinned", "installed"]
    assert list(rows.seconds) == [50.0, 70.0]


def test_a_disturbed_run_counts_only_where_there_is_no_other(write):
    runs = write(*times(60, 62), {"seconds": 99.0, "repeat": 3, **DISTURBED})
    assert list(runs.disturbed) == ["", "", BUSY]
    row = only(statistics.summary(runs))
    assert (row.seconds, row["count"], row.finished) == (61.0, 2, 3)
    row = only(statistics.summary(runs[runs.disturbed != ""]))
    assert (row.seconds, row["count"], row.finished) == (99.0, 1, 1)


def test_a_figure_that_some_runs_lack_is_no_median_of_the_others(write):
    row = only(statistics.summary(write({}, {"repeat": 2, "accuracy": None})))
    assert pd.isna(row.accuracy)
    assert row.seconds == 50.0


def test_runs_that_overlap_share_a_rank_and_a_single_one_has_none(write):
    runs = write(
        *times(50, 60),
        *times(59, 70, framework="JAX"),
        *times(71, 75, framework="Keras"),
        *times(76, 80, **INSTALLED),
        {"seconds": 40.0, "framework": "CNTK"},
    )
    rows = statistics.summary(runs)
    ranks = dict(zip(zip(rows.framework, rows.environment), rows["rank"]))
    assert ranks == {
        ("PyTorch", "pinned"): "1=",
        ("JAX", "pinned"): "1=",
        ("Keras", "pinned"): "3",
        ("PyTorch", "installed"): "4",
        ("CNTK", "pinned"): "",
    }


def test_rows_stand_in_the_registrys_order(write):
    keys = ["CNTK", "PyTorch", "JAX", "Chainer"]
    rows = statistics.summary(write(*({"framework": key} for key in keys)))
    assert list(rows.framework) == sorted(keys, key=list(FRAMEWORKS).index)


def test_where_nothing_has_finished_the_newest_failure_says_why(folder):
    failed(folder, reason="the kernel died", date="2026-01-02T00:00:00+00:00")
    failed(folder, reason="older", date="2026-01-01T00:00:00+00:00", repeat=2)
    runs = failed(folder, reason="undated", repeat=3)
    row = only(statistics.summary(runs))
    assert row["last"].reason == "the kernel died"
    assert (row["count"], row.finished, len(row.runs)) == (0, 0, 3)
    assert pd.isna(row.seconds)
    assert row["rank"] == ""


def test_the_newest_run_that_counts_stands_for_a_row(write, folder):
    dates = [f"2026-01-0{day}T00:00:00+00:00" for day in (2, 3, 4)]
    write({"date": dates[0]}, {"date": dates[1], "repeat": 2, **DISTURBED})
    runs = failed(folder, date=dates[2], repeat=3)
    assert only(statistics.summary(runs))["last"].date == dates[0]


def test_a_row_is_outdated_if_a_run_that_counts_is(write):
    changed = {"digests": {"notebook": "0" * 16}}
    assert only(statistics.summary(write({}, {"repeat": 2, **changed}))).outdated
    runs = write({"repeat": 2, **changed, **DISTURBED})
    assert not only(statistics.summary(runs)).outdated


def test_settings_that_differ_are_never_in_one_group(write):
    runs = write(
        {},
        {"framework": "JAX"},
        {"epochs": 1},
        {"examples_limit": 9600},
        {"precision": "bf16"},
        {"framework": "PyTorch_tuned", "tuned": True},
        {"data": "quick"},
        INFERENCE,
    )
    found = {group: len(rows) for group, rows in statistics.groups(runs)}
    assert found == {
        Group("CNN", 10, "fp32"): 2,
        Group("CNN", 10, "bf16"): 1,
        Group("CNN", 10, "fp32", examples=9600): 1,
        Group("CNN", 1, "fp32"): 1,
        Group("CNN", 10, "fp32", data="quick"): 1,
        Group("CNN", 10, "fp32", tuned=True): 1,
        Group("Inference", None, "fp32"): 1,
    }
    assert list(found) == sorted(found, key=lambda group: group.order)


def test_an_empty_folder_has_no_groups_and_an_empty_table(folder, write):
    runs = frame.load([folder])
    assert len(runs) == 0
    assert list(statistics.groups(runs)) == []
    table = statistics.summary(runs)
    assert list(table.columns) == list(statistics.summary(write({})).columns)
    assert len(table) == len(statistics.counting(runs)) == 0


# --- the documentation


def test_the_documentations_examples_run(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    assert len(blocks) > 2
    names = {}
    for block in blocks:
        exec(compile(block, "docs/records.md", "exec"), names)
        assert capsys.readouterr().out.strip(), block
