"""What identifies a run, what a record is, and how records, machines and digests are kept apart."""

import itertools
import json
import logging
import os
import re
import shutil
from dataclasses import asdict, fields, replace

import pytest
from toy_record import RECORD

from support import registry
from support.basics.errors import UsageError
from support.basics.paths import RESULTS, ROOT
from support.devices.choose import Device
from support.records import inputs, installation, machines, schema, store
from support.records.key import Group, RunKey

RUN = {**RECORD, "digests": {"notebook": "2", "common": "3", "settings": "4"}}
# What records were before they had a schema.
LATER = ("schema", "tuned", "purpose", "repeat", "examples_limit", "load")
OLD = {
    **{name: value for name, value in RUN.items() if name not in LATER},
    "environment": "torch",
    "digests": {**RUN["digests"], "environment": "1"},
}
BUSY = ["other processes used 76% of the processors meanwhile"]
STEM = "PyTorch_CNN_10-epochs_fp32_run-1"


# --- keys


def grid():
    """Keys of all settings that a run can have; inference has no epochs."""
    lengths = [("CNN", 1), ("CNN", 10), ("RNN", 1), ("RNN", 11), ("Inference", None)]
    for (framework, tuned), (
        model,
        epochs,
    ), precision, data, *others in itertools.product(
        [("PyTorch", False), ("PyTorch_CNN", False), ("PyTorch_tuned", True)],
        lengths,
        ["fp32", "tf32", "bf16", "fp16"],
        ["real", "quick"],
        [None, 1, 128],
        ["pinned", "installed"],
        ["run", "outputs", "evaluated"],
        [1, 2],
    ):
        examples, environment, purpose, repeat = others
        yield RunKey(
            framework,
            model,
            epochs,
            precision,
            data,
            examples,
            environment,
            tuned,
            purpose,
            repeat,
        )


def test_runs_that_differ_in_any_setting_have_different_file_names():
    keys = list(grid())
    for field in fields(RunKey):
        assert len({getattr(key, field.name) for key in keys}) > 1, field.name
    assert len({key.stem for key in keys}) == len(set(keys)) == len(keys)


def test_a_file_name_has_nothing_that_a_shell_or_a_link_must_escape():
    assert all(re.fullmatch(r"[\w.-]+", key.stem) for key in grid())


@pytest.mark.parametrize(
    "changes, stem",
    [
        ({}, "PyTorch_CNN_10-epochs_fp32_run-1"),
        ({"repeat": 3, "precision": "bf16"}, "PyTorch_CNN_10-epochs_bf16_run-3"),
        (
            {"examples": 9600, "environment": "installed"},
            "PyTorch_CNN_10-epochs_9600-examples_fp32_installed_run-1",
        ),
        (
            {"data": "quick", "purpose": "steps"},
            "PyTorch_CNN_10-epochs_quick_fp32_steps",
        ),
        ({"model": "Inference", "epochs": None}, "PyTorch_Inference_fp32_run-1"),
    ],
)
def test_a_file_name_says_what_was_run(changes, stem):
    assert replace(RunKey("PyTorch", "CNN", 10, "fp32"), **changes).stem == stem


def test_a_record_has_the_key_of_its_run():
    for key in grid():
        environment = {**RUN["environment"], "kind": key.environment}
        other_names = {"examples_limit": key.examples, "environment": environment}
        assert RunKey.of({**RUN, **asdict(key), **other_names}) == key


def test_an_evaluation_has_the_key_of_the_training_that_its_weights_come_from():
    """It trains for no epoch itself."""
    record = {**RUN, "epochs": 0, "trained_epochs": 3, "purpose": "evaluated"}
    assert RunKey.of(record).epochs == 3


@pytest.mark.parametrize(
    "group, title",
    [
        (Group("CNN", 10, "fp32"), "CNN on CIFAR-10, 10 epochs (the protocol), fp32"),
        (
            Group("CNN", 1, "bf16", examples=9600),
            "CNN on CIFAR-10, 1 epoch of 9,600 images, bf16",
        ),
        (
            Group("RNN", 3, "fp32", tuned=True),
            "GRU on IMDB, 3 epochs (the protocol), fp32, tuned",
        ),
        (
            Group("RNN", 2, "fp32", examples=640),
            "GRU on IMDB, 2 epochs of 640 reviews, fp32",
        ),
        (Group("Inference", None, "fp16"), "ResNet-50 features, fp16"),
        (
            Group("Inference", None, "fp32", examples=128),
            "ResNet-50 features, 128 images, fp32",
        ),
        (
            Group("CNN", 10, "fp32", "quick"),
            "CNN on generated data, 10 epochs, fp32",
        ),
    ],
)
def test_a_tables_title_says_what_its_runs_have_in_common(group, title):
    assert group.title == title


def test_groups_have_one_order_with_the_longest_training_first():
    groups = {key.group for key in grid()}
    assert len({group.order for group in groups}) == len(groups)
    one, ten = Group("CNN", 1, "fp32"), Group("CNN", 10, "fp32")
    few, quick = Group("CNN", 10, "fp32", examples=9600), Group("RNN", 3, "fp32")
    assert sorted([quick, few, one, ten], key=lambda g: g.order) == [
        ten,
        few,
        one,
        quick,
    ]


def test_runs_of_one_group_differ_in_what_a_table_compares():
    key = RunKey("PyTorch", "CNN", 10, "fp32")
    same = {"framework": "JAX", "environment": "installed", "repeat": 2}
    assert replace(key, **same).group == key.group
    for change in ({"epochs": 1}, {"precision": "tf32"}, {"data": "quick"}):
        assert replace(key, **change).group != key.group


# --- the schema, and older records


def test_a_finished_run_is_valid():
    assert schema.problem(RUN) == ""


@pytest.mark.parametrize(
    "missing", ["framework", "environment", "seconds", "hardware", "notebook", "load"]
)
def test_a_finished_run_lacks_nothing_that_tables_need(missing):
    record = {name: value for name, value in RUN.items() if name != missing}
    assert schema.problem(record) == f"'{missing}' is a required property"


def test_a_failure_needs_no_figures():
    wanted = json.loads(schema.FILE.read_text())["required"]
    failure = {name: RUN[name] for name in wanted}
    failure |= {"status": "failed", "reason": "the kernel died"}
    assert schema.problem(failure) == ""
    assert "is a required property" in schema.problem({**failure, "status": "ok"})


def test_what_is_wrong_fits_in_one_line():
    """It is shown on a terminal, whatever the record has in it."""
    evil = {**RUN, "versions": {"a\nb\x1b[2J": 1}}
    assert schema.problem(evil) == "versions.a b: 1 is not of type 'string'"
    assert len(schema.problem({**RUN, "seconds": "9" * 100_000})) < 250


def test_a_record_without_a_schema_becomes_one_of_today():
    record = schema.upgrade(OLD, STEM)
    assert schema.problem(record) == ""
    assert record["environment"] == {
        "kind": "pinned",
        "name": "torch",
        "digest": "1",
        "packages": {},
    }
    assert record["digests"] == {"notebook": "2", "common": "3", "settings": "4"}
    assert record["load"]["disturbed"] == []
    assert RunKey.of(record).stem == STEM


@pytest.mark.parametrize("load", [{}, {"load": {"others": 0.76}}])
def test_warnings_of_old_records_say_what_disturbed_the_run(load):
    record = schema.upgrade({**OLD, **load, "warnings": BUSY}, STEM)
    assert record["load"] == {**load.get("load", {}), "disturbed": BUSY}
    assert schema.problem(record) == ""


def test_an_old_record_of_what_disturbed_the_run_is_kept():
    load = {"others": 0.05, "disturbed": []}
    record = schema.upgrade({**OLD, "load": load, "warnings": BUSY}, STEM)
    assert record["load"] == load


CHECK = {"check": "outputs", "error": 1e-7, "tolerance": 1e-4, "passed": True}
PAIR = {"epochs": 3, "agreement": 1.0, "accuracy_there": 1.0, "accuracy_here": 1.0}


@pytest.mark.parametrize(
    "changes, old_stem, purpose, stem",
    [
        ({"repeat": 2}, "PyTorch_CNN_10-epochs_fp32_run-2", "run", None),
        (
            {"checks": [CHECK]},
            "PyTorch_CNN_outputs",
            "outputs",
            "PyTorch_CNN_10-epochs_fp32_outputs",
        ),
        (
            {"checks": [CHECK], "mistake": {"title": "Unit gain", "trap": "init"}},
            "PyTorch_CNN_unit-gain",
            "unit-gain",
            "PyTorch_CNN_10-epochs_fp32_unit-gain",
        ),
        (
            {"pairs": {"JAX": {**PAIR, "obstacle": ""}}, "epochs": 0},
            "PyTorch_CNN_3-epochs_evaluated",
            "evaluated",
            "PyTorch_CNN_3-epochs_fp32_evaluated",
        ),
        (
            {"status": "failed", "reason": "it did not learn"},
            "PyTorch_CNN_3-epochs_trained.failed",
            "trained",
            "PyTorch_CNN_10-epochs_fp32_trained",
        ),
    ],
    ids=["run", "parity", "mistake", "evaluation", "failure"],
)
def test_the_purpose_of_an_old_record_is_found(changes, old_stem, purpose, stem):
    record = schema.upgrade({**OLD, **changes}, old_stem)
    assert schema.problem(record) == ""
    assert record["purpose"] == purpose
    assert RunKey.of(record).stem == (stem or old_stem)


def test_an_old_tuned_notebook_is_known_by_its_key():
    assert schema.upgrade({**OLD, "framework": "JAX_tuned"}, "")["tuned"]
    assert not schema.upgrade(OLD, "")["tuned"]


def test_a_record_of_today_is_read_as_it_is():
    assert schema.upgrade(RUN, STEM) is RUN


@pytest.mark.parametrize("later", [2, "2", None, True, 1.5])
def test_another_schema_is_refused_with_both_numbers(later):
    with pytest.raises(ValueError, match=f"schema is {later!r}, and 1 is the latest"):
        schema.upgrade({**RUN, "schema": later}, STEM)


# --- reading and writing


def text(**changes):
    return json.dumps({**RUN, **changes})


def without(name):
    return json.dumps({key: value for key, value in RUN.items() if key != name})


# what a file has in it -> what is said of it
DAMAGE = {
    "no-json": ("{", "Expecting property name"),
    "empty": ("", "Expecting value"),
    "an-array": ("[1, 2]", "it is no JSON object"),
    "a-number": ("7", "it is no JSON object"),
    "not-a-number": (text(seconds=float("nan")), "not JSON compliant"),
    "too-large-a-number": (text().replace("50.0", "1e999"), "not JSON compliant"),
    "half-a-surrogate-pair": (text(reason="\ud800"), "surrogates not allowed"),
    "negative-seconds": (text(seconds=-1), "seconds: -1 is less than the minimum"),
    "accuracy-7": (text(accuracy=7), "accuracy: 7 is greater than the maximum"),
    "unknown-precision": (text(precision="fp8"), "precision: 'fp8' is not one of"),
    "unknown-model": (text(model="Transformer"), "model: 'Transformer' is not one"),
    "schema-99": (text(schema=99), "its schema is 99, and 1 is the latest known here"),
    "no-schema": (without("schema"), "environment.name: {"),
    "no-framework": (without("framework"), "'framework' is a required property"),
    "no-seconds": (without("seconds"), "'seconds' is a required property"),
    "text-for-a-number": (text(seconds="50"), "'50' is not of type 'number'"),
    "a-name-with-a-slash": (text(framework="../x"), "framework: '../x' does not match"),
    "nothing-known": ("{}", "is a required property"),
    "old-and-damaged": (json.dumps({**OLD, "pairs": [1]}), "cannot be upgraded"),
    "5-mb-of-spaces": (" " * 5_000_000, "it has more than 4 MiB"),
    "nested": ("[" * 100_000, "it is nested too deeply"),
    "not-utf-8": (text(reason="é").encode("utf-16"), "'utf-8' codec can't decode"),
}


def _folder(path):
    path.mkdir()


def _link(path):
    (path.parent / "elsewhere").write_text(text())
    path.symlink_to("elsewhere")


def _unreadable(path):
    path.write_text(text())
    path.chmod(0)


MADE = {
    "a-folder": (_folder, "it is not a regular file"),
    "a-fifo": (os.mkfifo, "it is not a regular file"),
    "a-link": (_link, "it is not a regular file"),
}
if os.geteuid():  # root may read everything
    MADE["unreadable"] = (_unreadable, "Permission denied")


@pytest.fixture
def folder(tmp_path):
    """A results folder with one sound record."""
    records = tmp_path / "toy" / "records"
    records.mkdir(parents=True)
    (records / f"{STEM}.json").write_text(text())
    return records.parent


def damage(folder, kind):
    """Put a damaged file into the folder; returns its path and what is said of it."""
    path = folder / "records" / f"{kind}.json"
    if kind in MADE:
        make, said = MADE[kind]
        make(path)
        return path, said
    content, said = DAMAGE[kind]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path, said


@pytest.mark.parametrize("kind", [*DAMAGE, *MADE])
def test_a_damaged_record_is_named_in_one_line_and_left_out(folder, caplog, kind):
    path, said = damage(folder, kind)
    assert store.read_all(folder) == {folder / "records" / f"{STEM}.json": RUN}
    (line,) = caplog.messages
    assert line.startswith(f"{path} is left out: ")
    assert said in line
    assert "\n" not in line
    assert caplog.records[0].levelno == logging.WARNING


def test_a_folder_full_of_damage_hides_no_sound_record(folder, caplog):
    named = {damage(folder, kind)[0] for kind in [*DAMAGE, *MADE]}
    (folder / "records" / "zz.json").write_text(text(repeat=2))
    found = store.read_all(folder)
    assert [record["repeat"] for record in found.values()] == [1, 2]
    told = {line.partition(" is left out: ")[0] for line in caplog.messages}
    assert told == {str(path) for path in named}


def test_old_records_are_read_as_those_of_today(folder):
    path = folder / "records" / f"{STEM}.json"
    path.write_text(json.dumps(OLD))
    assert store.read_all(folder) == {path: schema.upgrade(OLD, STEM)}


def test_where_nothing_is_nothing_is_read(tmp_path, caplog):
    assert store.read_all(tmp_path / "no-such") == {}
    assert store.read_or_none(tmp_path / "no-such.json") is None
    assert not caplog.messages


def test_a_record_that_was_written_is_read_at_once(tmp_path):
    path = tmp_path / "records" / "a.json"
    for seconds in (1.0, 2.0, 3.0):
        store.write(path, {**RUN, "seconds": seconds})
        assert store.read(path)["seconds"] == seconds


def test_whoever_changes_what_was_read_changes_it_for_nobody_else(folder):
    path = folder / "records" / f"{STEM}.json"
    store.read(path)["digests"]["notebook"] = "changed"
    assert store.read(path) == RUN


@pytest.mark.parametrize(
    "wrong",
    [{"seconds": -1}, {"model": "MLP"}, {"schema": 2}, {"accuracy": float("nan")}],
    ids=str,
)
def test_an_invalid_record_is_refused_and_the_old_one_stays(folder, wrong):
    path = folder / "records" / f"{STEM}.json"
    before = path.read_bytes()
    with pytest.raises(ValueError):
        store.write(path, {**RUN, **wrong})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_runs_that_were_disturbed_count_only_where_there_are_no_others():
    disturbed = {**RUN, "load": {"disturbed": BUSY}}
    assert store.counting([disturbed, RUN]) == [RUN]
    assert store.counting([disturbed]) == [disturbed]


# --- machines

GPU = Device("gpu", "Toy GPU X1 16GB", "GPU-1", 16384, "550.54")
HOST = {**RUN["hardware"], "gpus": [{"name": "Toy GPU X1 16GB"}]}


@pytest.fixture
def host(monkeypatch):
    """Let the machine's description be this one."""

    def be(**changes):
        monkeypatch.setattr(machines, "describe_machine", lambda: {**HOST, **changes})

    be()
    return be


def test_results_lie_under_the_devices_name(tmp_path, host):
    folder = machines.folder_for(tmp_path / "results", GPU)
    assert folder == tmp_path / "results" / "toy-gpu-x1-16gb"
    assert not list(tmp_path.iterdir())


def test_a_user_may_name_the_machine(tmp_path, host):
    assert machines.folder_for(tmp_path, GPU, "node-7") == tmp_path / "node-7"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["Node 7", "../node-7", "node_7"])
def test_a_name_that_is_no_folders_is_refused_with_one_that_is(tmp_path, host, name):
    with pytest.raises(UsageError, match="--machine: write it as node-7"):
        machines.folder_for(tmp_path, GPU, name)


@pytest.mark.parametrize("other", [{"cpu": "Else"}, {"cores": 8}, {"memory_gib": 16}])
def test_another_host_with_the_same_gpu_gets_a_folder_of_its_own(tmp_path, host, other):
    first = machines.folder_for(tmp_path, GPU)
    machines.write(first, GPU)
    host(**other)
    second = machines.folder_for(tmp_path, GPU)
    assert second == tmp_path / "toy-gpu-x1-16gb-2"
    machines.write(second, GPU)
    assert machines.folder_for(tmp_path, GPU) == second
    host(cores=64)
    assert machines.folder_for(tmp_path, GPU) == tmp_path / "toy-gpu-x1-16gb-3"
    host()
    assert machines.folder_for(tmp_path, GPU) == first


@pytest.mark.parametrize(
    "update", [{"system": "Linux 6.2"}, {"memory_gib": 7.8}], ids=str
)
def test_a_machine_stays_itself_when_its_system_is_updated(tmp_path, host, update):
    folder = machines.folder_for(tmp_path, GPU)
    machines.write(folder, GPU)
    host(**update)
    newer = replace(GPU, driver="560.1")
    assert machines.folder_for(tmp_path, newer) == folder
    machines.write(folder, newer)
    assert machines.read(folder)["driver"] == "560.1"


@pytest.mark.parametrize(
    "change",
    [
        lambda about: "{" + about,
        lambda about: f"[{about}]",
        lambda about: "{}",
        lambda about: about.replace('"memory_gib": 8', '"memory_gib": "8"'),
    ],
    ids=["no-json", "an-array", "empty", "text-for-a-number"],
)
def test_a_folder_that_may_be_anothers_is_not_used(tmp_path, host, change):
    first = machines.folder_for(tmp_path, GPU)
    machines.write(first, GPU)
    about = first / "machine.json"
    about.write_text(change(about.read_text()))
    assert machines.folder_for(tmp_path, GPU).name == "toy-gpu-x1-16gb-2"


def test_a_machine_is_described_in_full(tmp_path, host):
    machines.write(tmp_path, GPU)
    assert machines.read(tmp_path) == {
        "schema": 1,
        "device": "Toy GPU X1 16GB",
        "kind": "gpu",
        "cpu": "Toy CPU",
        "cores": 4,
        "memory_gib": 8,
        "gpu_memory_mib": 16384,
        "driver": "550.54",
        "system": "Linux",
    }


def test_proofs_belong_to_the_machine_that_made_them(tmp_path):
    for part in ("", "quick", "verify", "parity", "transfer", "mistakes"):
        assert machines.home(tmp_path / "toy" / part) == tmp_path / "toy"


# --- installations


@pytest.fixture
def private(tmp_path, monkeypatch):
    """An empty folder in .rosetta's place, with nothing remembered of another."""
    monkeypatch.setattr(installation, "FILE", tmp_path / ".rosetta" / "installation")
    installation.own.cache_clear()
    yield installation.FILE
    installation.own.cache_clear()


def test_a_checkout_keeps_its_text(private):
    first = installation.own()
    installation.own.cache_clear()
    assert installation.own() == first == private.read_text().strip()
    assert re.fullmatch("[0-9a-f]{16}", first)


def test_two_checkouts_have_different_texts(private):
    first = installation.own()
    private.unlink()
    installation.own.cache_clear()
    assert installation.own() != first


def test_a_text_that_cannot_be_kept_lasts_as_long_as_the_process(private):
    private.parent.write_text("a file in the folder's place")
    assert installation.own() == installation.own()
    assert private.parent.is_file()


def test_a_text_that_is_damaged_is_made_anew(private):
    private.parent.mkdir()
    private.write_bytes(b"\xff\xfe\x00")
    made = installation.own()
    assert private.read_text().strip() == made


# --- digests


@pytest.fixture
def common(tmp_path, monkeypatch):
    """A copy of common/, which tests may edit."""
    copied = tmp_path / "common"
    shutil.copytree(inputs.COMMON, copied)
    monkeypatch.setattr(inputs, "COMMON", copied)
    yield copied
    inputs.common_digest.cache_clear()


def digest(language="Python"):
    """The digest of common/ as it is now."""
    inputs.common_digest.cache_clear()
    return inputs.common_digest(registry.languages()[language])


def append(path, line):
    path.write_text(f"{path.read_text()}\n{line}\n")


@pytest.mark.parametrize("file", ["sources", "files", "run", "exchange", "machine"])
def test_a_change_in_downloads_and_reports_makes_no_record_stale(common, file):
    before = digest()
    append(common / f"{file}.py", "CHANGED = 1")
    assert digest() == before


@pytest.mark.parametrize("file", ["batches", "data", "quick", "stopwatch", "weights"])
def test_a_change_in_what_decides_results_makes_records_stale(common, file):
    before = digest()
    append(common / f"{file}.py", "# prose changes nothing")
    assert digest() == before
    append(common / f"{file}.py", "CHANGED = 1")
    assert digest() != before


def test_a_sibling_of_common_counts_for_its_own_language(common):
    before = {language: digest(language) for language in ("Python", "R", "Julia")}
    append(common / "common.R", "changed <- 1")
    assert digest("R") != before["R"]
    assert (digest("Python"), digest("Julia")) == (before["Python"], before["Julia"])


@pytest.mark.parametrize("kind, counts", [("markdown", False), ("code", True)])
def test_a_notebooks_digest_is_of_its_code(tmp_path, kind, counts):
    framework = next(iter(registry.frameworks().values()))
    notebook = json.loads(framework.notebook("CNN").read_text())
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == kind)
    cell["source"] = [*cell["source"], "\nchanged"]
    copied = replace(framework, folder=tmp_path)
    copied.notebook("CNN").write_text(json.dumps(notebook))
    before, after = (inputs.digests_of(f, "CNN") for f in (framework, copied))
    assert (before["notebook"] != after["notebook"]) == counts
    assert before["common"] == after["common"]


def test_a_notebook_that_is_not_there_has_no_digests(tmp_path):
    framework = next(iter(registry.frameworks().values()))
    assert inputs.digests_of(replace(framework, folder=tmp_path), "CNN") == {}


# --- the documentation

PAGE = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")


def properties(node, prefix=""):
    """The names of all fields that the schema has, as the page writes them."""
    for name, inner in node.get("properties", {}).items():
        yield prefix + name
        yield from properties(inner, f"{prefix}{name}.")
        yield from properties(inner.get("items", {}), f"{prefix}{name}[].")
        each = inner.get("additionalProperties", {})
        yield from properties(each, f"{prefix}{name}.*.")


def documented(heading):
    """The fields in the table below a heading of the page."""
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.M)
    return [name for row in rows for name in re.findall(r"`(.+?)`", row)]


def test_the_page_describes_every_field_of_the_schema_and_no_other():
    record = json.loads(schema.FILE.read_text(encoding="utf-8"))
    always = documented("In every record")
    finished = documented("In every finished run")
    others = documented("Where they apply")
    assert sorted([*always, *finished, *others]) == sorted(properties(record))

    def fields_of(names):
        return {name for name in names if name.isidentifier()}

    assert fields_of(always) == set(record["required"])
    assert fields_of(finished) == set(record["then"]["required"])


def test_the_page_names_every_folder_of_a_machine():
    assert all(f"{part}/`" in PAGE for part in machines.PARTS)


# --- the committed results

IGNORED = ("quick", "verify")  # by git
FILES = [
    path
    for path in sorted(RESULTS.rglob("*"))
    if path.is_file() and not set(IGNORED) & set(path.relative_to(RESULTS).parts)
]
RECORDS = [path for path in FILES if path.parent.name == "records"]


def test_there_are_committed_records():
    assert len(RECORDS) > 300


def test_every_committed_record_is_valid_and_of_todays_schema():
    for path in RECORDS:
        record = json.loads(path.read_text(encoding="utf-8"))
        assert record.get("schema") == schema.SCHEMA, path
        assert schema.problem(record) == "", path


def test_every_committed_record_has_the_name_of_its_run():
    """A proof that failed keeps its figures, under the same name as one that held."""
    for path in RECORDS:
        record = json.loads(path.read_text(encoding="utf-8"))
        stem = path.name.removesuffix(".json").removesuffix(".failed")
        assert stem == RunKey.of(record).stem
        assert record["status"] == "failed" or not path.stem.endswith(".failed")


def test_every_machine_of_the_committed_records_is_described():
    for folder in {machines.home(path.parents[1]) for path in RECORDS}:
        assert machines.read(folder).get("device"), folder


def test_committed_runs_are_of_real_data():
    for folder in store.machines():
        for path, record in store.read_all(folder).items():
            assert record["data"] == "real", path
            assert record["purpose"] == "run", path


def test_results_say_nothing_of_a_machines_folders():
    for path in FILES:
        found = re.search(rb"/(root|home|Users)\b", path.read_bytes())
        assert not found, path


def test_results_stay_small():
    assert sum(path.stat().st_size for path in FILES) < 10e6
