"""Tables and charts say what the records say, and only that."""

import io
import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from rich.console import Console
from toy_record import RECORD

from support import registry
from support.basics.paths import RESULTS, ROOT
from support.publish import charts, markdown, systems, tables, terminal
from support.publish.systems import Machine
from support.publish.table import FAILED, Cell, Table
from support.publish.views import comparisons, results, traps
from support.records import store
from support.records.executed import prune

FRAMEWORKS = registry.frameworks()
BUSY = "other processes used 76% of the processors meanwhile"
EARLIER = "† measured with an earlier version of the notebook"
OUTDATED = {"digests": {"notebook": "0" * 16}}
INSTALLED = {
    "environment": {
        "kind": "installed",
        "name": "installed",
        "digest": "",
        "packages": {},
    },
    "versions": {"PyTorch": "2.11.0"},
}
FAILURE = {"status": "failed", "reason": "needs Python 3.6", "framework": "CNTK"}
INFERENCE = {"model": "Inference", "epochs": None, "accuracy": None}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "toy"


@pytest.fixture
def write(folder):
    """Write records into a results folder; returns the page that is made of them."""

    def write_records(*changes, part=""):
        (folder / part / "records").mkdir(parents=True, exist_ok=True)
        for number, change in enumerate(changes):
            path = folder / part / "records" / f"{number}.json"
            path.write_text(json.dumps({**RECORD, **change}))
        proof = part in ("parity", "transfer", "mistakes")
        tables.update_machine(folder if proof else folder / part)
        return (folder / part / "README.md").read_text()

    return write_records


def row_of(page, label):
    return next(
        line
        for line in page.splitlines()
        if line.startswith((f"| [{label}]", f"| [{label} †]", f"| {label} |"))
    )


def cells_of(page, label):
    """Heading -> cell of the framework's row, of the first table."""
    head = next(line for line in page.splitlines() if line.startswith("| framework"))
    lines = (head, row_of(page, label))
    return dict(zip(*([cell.strip() for cell in line.split("|")] for line in lines)))


def times(*seconds, **changes):
    """Changes for runs of 2 epochs that take these seconds, a third of it the later one."""
    return [
        {"seconds": s, "epoch_seconds": [s * 2 / 3, s / 3], "epochs": 2, **changes}
        for s in seconds
    ]


# a machine's page


def test_runs_with_a_limit_of_examples_have_a_table_of_their_own(write):
    page = write({}, {"examples_limit": 9600, "epochs": 1, "seconds": 7.0})
    assert "## CNN on CIFAR-10, 10 epochs (the protocol), fp32" in page
    own = page.partition("## CNN on CIFAR-10, 1 epoch of 9,600 images, fp32")[2]
    assert "| 7 |" in row_of(own, "PyTorch")


def test_so_have_predictions_of_fewer_images(write):
    page = write(INFERENCE, {**INFERENCE, "examples_limit": 128})
    assert "## ResNet-50 features, fp32" in page
    assert "## ResNet-50 features, 128 images, fp32" in page


def test_tuned_notebooks_are_never_in_a_table_with_the_others(write):
    tuned = next(f for f in FRAMEWORKS.values() if f.tuned)
    page = write({}, {"framework": tuned.key, "tuned": True, "seconds": 2.0})
    usual, _, own = page.partition(", fp32, tuned\n")
    assert "| 50 |" in row_of(usual, "PyTorch")
    assert tuned.label not in usual
    assert "| 2 |" in row_of(own, tuned.label)


def test_a_row_has_cold_and_steady_epochs_throughput_accuracy_and_version(write):
    row = row_of(write({}), "PyTorch")
    assert "| 50 | 1.00× | 9 | 4.5 | 9,997 | 77.5% | PyTorch 2.13.0 | 1 of 1 |" in row


def test_repeats_give_their_median_and_range_cold_and_steady_apart(write):
    cells = cells_of(write(*times(60.0, 90.0, 66.0)), "PyTorch")
    assert cells["s"] == "66 (60–90)"
    assert cells["cold"] == "44 (40–60)"
    assert cells["steady"] == "22 (20–30)"
    assert cells["accuracy"] == "77.5% (77.5%–77.5%)"
    assert cells["runs"] == "3 of 3"


def test_a_disturbed_run_is_left_out_while_there_are_others(write):
    told = {"load": {"disturbed": [BUSY]}}
    cells = cells_of(write(*times(60.0, 62.0), *times(90.0, **told)), "PyTorch")
    assert cells["s"] == "61 (60–62)"
    assert cells["runs"] == "2 of 3"
    assert cells["remarks"] == f"left out: {BUSY}"
    cells = cells_of(write(*[{**t, **told} for t in times(60, 62, 90)]), "PyTorch")
    assert cells["s"] == "62 (60–90)"
    assert cells["runs"] == "3 of 3"
    assert cells["remarks"] == BUSY


def test_who_overlaps_shares_a_rank_and_a_single_run_has_none(write):
    page = write(
        *times(50.0, 60.0),
        *times(59.0, 70.0, framework="JAX"),
        *times(71.0, 75.0, framework="Keras"),
        *times(40.0, framework="CNTK"),
    )
    ranks = {
        label: cells_of(page, label)["rank"]
        for label in ("PyTorch", "JAX (Flax NNX)", "Keras (TensorFlow)", "CNTK")
    }
    assert list(ranks.values()) == ["1=", "1=", "3", "–"]


def test_without_repeats_nobody_is_ranked(write):
    assert "rank" not in cells_of(write({}, {"framework": "JAX"}), "PyTorch")


def test_with_ceilings_a_row_says_which_share_it_reaches(write, folder):
    folder.mkdir()
    measured = {
        "matmul": {"fp32": 6.2e12},
        "copy": 2e10,
        "versions": {"NumPy": "2"},
        "date": "2026-01-02T03:04:05+00:00",
        "load": {"disturbed": []},
    }
    (folder / "ceilings.json").write_text(json.dumps(measured))
    page = write({}, {"precision": "tf32"})
    assert cells_of(page, "PyTorch")["of ceiling"] == "60%"
    assert "fp32 6.2 TFLOP/s; memory copy 20 GB/s (NumPy 2, 2026-01-02)" in page
    assert page.count("of ceiling |") == 1, "no ceiling for tf32"


def test_a_failed_cell_says_why_and_a_finished_run_outweighs_it(write):
    page = write({}, FAILURE, {**FAILURE, "framework": "PyTorch"})
    assert "needs Python 3.6" in row_of(page, "CNTK")
    assert "77.5%" in row_of(page, "PyTorch")


def test_different_settings_never_share_a_table(write):
    page = write({}, {"epochs": 1}, {"precision": "bf16"})
    assert page.count("## CNN on CIFAR-10") == 3
    assert "10 epochs (the protocol), fp32" in page


def test_a_page_on_generated_data_says_so_and_has_no_chart(write):
    page = write({"data": "quick", "epochs": 10}, part="quick")
    assert "compare nothing" in page
    assert "CIFAR-10" not in page and "protocol" not in page
    assert "svg" not in page


def test_a_pinned_and_an_installed_run_are_two_rows(write):
    page = write(*times(50.0), *times(90.0, **INSTALLED))
    pinned, installed = (
        cells_of(page, label) for label in ("PyTorch", "PyTorch, installed")
    )
    assert (pinned["s"], pinned["environment"]) == ("50", "pinned")
    assert (installed["s"], installed["environment"]) == ("90", "installed")
    assert pinned["version"] == "PyTorch 2.13.0"
    assert installed["version"] == "PyTorch 2.11.0"
    assert "environment" not in cells_of(write(*times(50.0, 90.0)), "PyTorch")


def test_a_row_shows_every_version_that_its_figures_are_of(write):
    newer = {"versions": {"PyTorch": "2.14.0"}, "date": "2026-02-02T03:04:05+00:00"}
    cells = cells_of(write(newer, {}), "PyTorch")
    assert cells["version"] == "PyTorch 2.13.0, PyTorch 2.14.0"


def test_a_row_of_an_earlier_notebook_is_marked_and_the_mark_explained(write):
    page = write({**OUTDATED}, {"framework": "JAX"})
    assert row_of(page, "PyTorch").startswith("| [PyTorch †](")
    assert "†" not in row_of(page, "JAX (Flax NNX)")
    assert f"\n{EARLIER}\n" in page
    assert "†" not in write({})


def test_memory_and_energy_have_columns_where_they_are_known(write):
    known = {
        "peak_memory_mib": 1536,
        "peak_gpu_memory_mib": 512,
        "energy_joules": {"cpu": None, "gpu": 4200},
    }
    page = write(known, {"framework": "JAX", "energy_joules": {"gpu": None}})
    cells = cells_of(page, "PyTorch")
    assert cells["peak memory (GiB)"] == "1.5"
    assert cells["peak GPU memory (GiB)"] == "0.5"
    assert cells["GPU energy (kJ)"] == "4.2"
    assert "CPU energy (kJ)" not in cells
    assert cells_of(page, "JAX (Flax NNX)")["GPU energy (kJ)"] == "–"
    page = write({**known, "repeat": 1}, {"repeat": 2}, {"framework": "JAX"})
    assert "memory (GiB)" not in page, "one of two runs does not say it"


def test_what_the_machine_is_stands_above_its_tables(write, folder):
    assert "# Toy GPU\n\nToy CPU, 4 cores, 8 GiB, Linux; GPU: none." in write({})
    about = {
        "device": "Toy GPU 2000",
        "kind": "gpu",
        "cpu": "Other CPU",
        "cores": 8,
        "memory_gib": 16,
        "driver": "550",
        "system": "Linux 7",
    }
    (folder / "machine.json").write_text(json.dumps(about))
    page = write({})
    assert page.startswith("# Toy GPU 2000\n")
    assert "Other CPU, 8 cores, 16 GiB, Linux 7; GPU: Toy GPU 2000 (driver 550)" in page


def test_a_framework_that_the_registry_lacks_is_shown_by_its_key(write):
    assert "| 50 |" in row_of(write({"framework": "Gone"}, FAILURE), "Gone")


def test_damaged_records_are_named_and_all_else_is_shown(write, folder, caplog):
    write({})
    spoilt = {
        "not-json": "{",
        "a-list": "[]",
        "empty": "",
        "no-text": b"\xff\xfe",
        "a-number": "3",
        "not-a-number": json.dumps({**RECORD, "seconds": float("nan")}),
        "endless": json.dumps(RECORD).replace("50.0", "1e999"),
        "huge": json.dumps({**RECORD, "epochs": 10**30}),
        "of-tomorrow": json.dumps({**RECORD, "schema": 2}),
        "wrong-kind": json.dumps({**RECORD, "precision": ["fp32"]}),
        "no-model": json.dumps({k: v for k, v in RECORD.items() if k != "model"}),
    }
    for name, content in spoilt.items():
        path = folder / "records" / f"{name}.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "records" / "a-folder.json").mkdir()
    (folder / "records" / "a-link.json").symlink_to(folder / "records" / "0.json")
    tables.update_machine(folder)
    page = (folder / "README.md").read_text()
    assert "| 1 of 1 |" in row_of(page, "PyTorch")
    for name in [*spoilt, "a-folder", "a-link"]:
        assert f"{name}.json is left out: " in caplog.text


def test_odd_but_valid_records_do_not_stop_the_tables(write, folder):
    write(
        {"seconds": 0, "throughput": 0, "epoch_seconds": []},
        {**INFERENCE, "epochs": 3, "framework": "JAX"},
        {"framework": "Keras", "accuracy": None, "versions": {}, "executed": None},
        {**FAILURE, "date": "2026-01-02T03:04:05+00:00"},
        {"status": "failed", "framework": "Chainer", "reason": "", "executed": None},
    )
    tables.print_machine(folder)


# text is text


def test_markup_in_a_record_stays_text_in_markdown():
    cells = [Cell("a | b\nc"), Cell("<b>*x*</b> _y_ a_b `z` [l](u)", kind=FAILED)]
    line = markdown.lines(Table("", ["one", "two"], [cells]))[2]
    escaped = r"\<b\>\*x\*\</b\> \_y\_ a_b \`z\` \[l\](u)"
    assert line == rf"| a \| b c | **{escaped}** |"


def test_links_lead_from_the_page_to_what_is_behind_a_row(write, folder):
    assert "| [PyTorch](records/0.json) |" in write({})
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "with (odd) name.ipynb").touch()
    page = write({"executed": "notebooks/with (odd) name.ipynb"})
    assert "| [PyTorch](notebooks/with%20%28odd%29%20name.ipynb) |" in page


def test_the_terminal_shows_the_tables_with_their_notes_and_obeys_nothing(
    write, folder, capsys
):
    reason = "[red]no[/red] \x1b[2Jmodule"
    write(OUTDATED, {**FAILURE, "reason": reason, "framework": "Chainer"})
    tables.print_machine(folder)
    printed = capsys.readouterr().out
    assert "CNN on CIFAR-10, 10 epochs (the protocol), fp32" in printed
    assert "PyTorch †" in printed and EARLIER in printed
    assert "[red]no[/red] module" in printed and "\x1b" not in printed


def test_the_readme_shows_the_cpu_that_ran_most_notebooks_of_today(tmp_path):
    def machine(name, *changes):
        records = tmp_path / name / "records"
        records.mkdir(parents=True)
        for number, change in enumerate(changes):
            cpu = {**RECORD, "device": name, "device_kind": "cpu", **change}
            (records / f"{number}.json").write_text(json.dumps(cpu))
        return Machine.read(tmp_path / name)

    older = machine("older", OUTDATED, {**OUTDATED, "framework": "JAX"})
    newer = machine("newer", {})
    [then] = systems.article(("P100",))
    for machines, name in (([older, newer], "newer"), ([older], "older")):
        assert results.overview("CNN", then, machines).head[2].startswith(name)


@pytest.mark.parametrize("width, shown", [(60, False), (200, True)])
def test_a_narrow_terminal_leaves_out_what_matters_least(write, folder, width, shown):
    write(*times(50.0, 60.0, epochs=10), {**FAILURE, "framework": "Chainer"})
    machine = Machine.read(folder)
    ((group, rows),) = machine.groups.items()
    output = io.StringIO()
    console = Console(file=output, width=width, force_terminal=True, color_system=None)
    terminal.show(results.table(group, rows, machine.ceilings), console)
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    [head] = [line for line in lines if "framework" in line]
    assert "accuracy" in head and "remarks" in head
    assert ("version" in head, "cold" in head) == (shown, shown)


# charts


def test_a_chart_shows_the_range_of_several_runs(write, folder):
    write(*times(50.0, 60.0), *times(40.0, framework="JAX"))
    chart = (folder / "charts" / "cnn-2-epochs-fp32.svg").read_text()
    assert chart.count('class="whisker"') == 1


def test_a_chart_shows_each_value(write, folder):
    write({}, {"framework": "JAX", "seconds": 75.0})
    chart = (folder / "charts" / "cnn-10-epochs-fp32.svg").read_text()
    assert chart.index(">50<") < chart.index(">75<"), "the fastest first"
    assert "JAX (Flax NNX)" in chart
    assert charts.WIDTH < 1000


def test_charts_have_plain_digits(write, folder):
    write(*times(1234.5, 43210.0), *times(987654.0, framework="JAX"))
    machine = Machine.read(folder)
    ((group, rows),) = machine.groups.items()
    pair = charts.pairs("Seconds", [("PyTorch", 1234.5, 22222.2)], ("one", "other"))
    for svg in [charts.time(group, rows), *charts.of_group(group, rows), pair]:
        assert "e+" not in svg
    assert ">987,654<" in charts.time(group, rows)
    assert ">1,234<" in pair and ">22,222<" in pair


def test_charts_have_plain_digits_for_small_figures_too(write, folder):
    write(*times(0.00012))
    ((group, rows),) = Machine.read(folder).groups.items()
    assert ">0.00012<" in charts.time(group, rows)


# executed notebooks


def executed(folder, *names):
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / "notebooks" / name).write_text("{}")


def left(folder):
    return {path.name for path in (folder / "notebooks").iterdir()}


def runs_of(*numbers, **changes):
    return [
        {
            "repeat": n,
            "executed": f"notebooks/{n}.ipynb",
            "date": f"2026-01-0{n}T03:04:05+00:00",
            **changes,
        }
        for n in numbers
    ]


def test_the_executed_notebook_of_the_newest_counting_run_is_kept(write, folder):
    executed(folder, *(f"{n}.ipynb" for n in range(1, 8)))
    disturbed = {"load": {"disturbed": [BUSY]}}
    page = write(
        *runs_of(2, 1),
        *runs_of(3, **disturbed),
        *runs_of(4, **INSTALLED),
        *runs_of(5, precision="bf16"),
        *runs_of(6, 7, **FAILURE),
    )
    assert left(folder) == {"2.ipynb", "4.ipynb", "5.ipynb", "7.ipynb"}
    assert "| [PyTorch](notebooks/2.ipynb) |" in page
    assert len(list((folder / "records").iterdir())) == 7, "records are not touched"
    prune(folder)
    assert len(left(folder)) == 4


def test_records_of_another_purpose_decide_nothing(write, folder):
    executed(folder, "1.ipynb", "2.ipynb", "3.ipynb")
    page = write(*runs_of(1, 2), *runs_of(3, purpose="outputs"))
    assert left(folder) == {"2.ipynb", "3.ipynb"}
    assert "| [PyTorch](notebooks/2.ipynb) |" in page


def test_nothing_else_is_removed(write, folder, tmp_path):
    executed(folder, "1.ipynb", "2.ipynb", "mine.ipynb", "notes.txt")
    outside = tmp_path / "outside.ipynb"
    outside.write_text("{}")
    (folder / "notebooks" / "link.ipynb").symlink_to(outside)
    older = {"date": "2026-01-01T00:00:00+00:00"}
    write(
        *runs_of(1, 2),
        {"executed": "notebooks/link.ipynb", **older},
        {"executed": f"notebooks/{outside}", **older},
        {"executed": "../../outside.ipynb", **older},
        {"executed": "notebooks/notes.txt", **older},
    )
    assert left(folder) == {"2.ipynb", "mine.ipynb", "notes.txt", "link.ipynb"}
    assert outside.exists()


def test_a_linked_folder_of_notebooks_is_left_alone(write, folder, tmp_path):
    executed(tmp_path / "theirs", "1.ipynb", "2.ipynb")
    folder.mkdir()
    (folder / "notebooks").symlink_to(tmp_path / "theirs" / "notebooks")
    write(*runs_of(1, 2))
    assert left(tmp_path / "theirs") == {"1.ipynb", "2.ipynb"}


def test_a_row_whose_newest_run_has_none_keeps_what_it_has(write, folder):
    executed(folder, "1.ipynb")
    write(*runs_of(1, 2))
    assert left(folder) == {"1.ipynb"}


# proofs


def checks(*errors, tolerance=1e-4):
    return [
        {"check": "parameters", "error": 0, "tolerance": 0, "passed": True},
        *(
            {
                "check": name,
                "error": error,
                "tolerance": tolerance,
                "passed": error is not None and error <= tolerance,
            }
            for name, error in errors
        ),
    ]


def parity(purpose, *errors, **changes):
    found = checks(*errors)
    status = "ok" if all(check["passed"] for check in found) else "failed"
    reason = "" if status == "ok" else "too far off"
    changes = {"status": status, "reason": reason, "checks": found, **changes}
    return {"purpose": purpose, "data": "quick", "epochs": 2, **changes}


def test_the_parity_page_has_the_errors_and_the_tolerances_of_the_records(write):
    page = write(
        parity("outputs", ("outputs", 2e-7)),
        parity("steps", ("loss, step 1", 3e-3)),
        parity("outputs", ("outputs", 4e-7), **INSTALLED),
        part="parity",
    )
    cells = cells_of(page, "PyTorch")
    assert cells["outputs (≤ 0.0001)"] == "2.0e-07"
    assert cells["loss, step 1 (≤ 0.0001)"] == "**3.0e-03**", "too large"
    assert cells["parameters"] == "3,441,592"
    assert cells["round trip"] == "exact"
    installed = cells_of(page, "PyTorch, installed")
    assert installed["outputs (≤ 0.0001)"] == "4.0e-07"
    assert installed["version"] == "PyTorch 2.11.0"
    assert cells_of(page, "JAX (Flax NNX)")["round trip"] == "not run"


def test_a_framework_without_checks_says_why_on_the_parity_page(write):
    failed = {"purpose": "outputs", **FAILURE}
    page = write(parity("outputs", ("outputs", 2e-7)), failed, part="parity")
    assert cells_of(page, "CNTK")["round trip"].startswith(
        "[**failed: needs Python 3.6**]("
    )


def test_a_mistake_that_nothing_caught_stands_out(write):
    caught = {"title": "unit gain", "trap": "momentum"}
    page = write(
        parity("unit-gain", ("outputs", 2e-3), mistake=caught, status="ok"),
        parity("other", ("outputs", 2e-7), mistake={"title": "a|b", "trap": "loss"}),
        part="mistakes",
    )
    assert "| PyTorch, CNN | outputs 2.0e-03 (0.0001 allowed) |" in page
    assert r"| [a\|b](records/1.json) | PyTorch, CNN | **not caught** |" in page


def test_what_a_mistake_costs_is_taken_from_the_newest_run_on_any_machine(monkeypatch):
    def run(title, error, date):
        mistake = {"title": title, "trap": "momentum"}
        changes = parity(title, ("outputs", error), mistake=mistake)
        return {"framework": "PyTorch", "model": "CNN", "date": date, **changes}

    machines = {
        "a": [run("gain", 2e-3, "2026-11-02"), run("sign", 5e-3, "2026-11-02")],
        "b": [run("gain", 3e-3, "2026-11-03"), run("sign", 4e-3, "2026-11-01")],
    }
    monkeypatch.setattr(
        traps.sources,
        "folders",
        lambda part: list(machines) if part == "mistakes" else [],
    )
    monkeypatch.setattr(
        traps.sources,
        "runs",
        lambda folder: pd.DataFrame({"ok": True, "record": machines[folder]}),
    )
    [momentum] = [trap for trap in traps.traps() if trap.mistakes]
    assert [(m.title, m.error) for m in momentum.mistakes] == [
        ("gain", 3e-3),
        ("sign", 5e-3),
    ]


def test_the_transfer_page_is_a_matrix_of_sources_and_targets(write):
    def pair(agreement, obstacle=""):
        return {
            "epochs": 3,
            "agreement": agreement,
            "accuracy_there": 0.9,
            "accuracy_here": 0.5,
            "obstacle": obstacle,
        }

    page = write(
        {
            "purpose": "evaluated",
            "epochs": 0,
            "pairs": {"JAX": pair(1), "CNTK": pair(0.75, "another GRU")},
        },
        part="transfer",
    )
    assert "## CNN, real data, 3 epochs of training" in page
    assert "| JAX (Flax NNX) | 100% | 90.00% |" in page
    assert "| CNTK | 75.00% / 50.0% | 90.00% |" in page


# the README and all of it


def test_the_article_s_figures_are_kept_as_its_own():
    of_article = systems.article(("K80", "P100"))
    page = "\n".join(markdown.lines(results.beside("CNN", of_article)))
    assert "| Caffe2 | 148 | 54 · 78.5% |" in page
    article = store.read_article()
    assert {record["device"] for record in article} == set(systems.ARTICLE_DEVICES)
    assert len(systems.article()) == 6
    assert (
        len([r for r in article if r["model"] == "CNN" and r["device"] == "K80"]) == 13
    )


def test_an_installed_run_is_compared_with_a_pinned_one_where_there_is_no_other(
    write, folder
):
    write(*times(50.0), *times(80.0, **INSTALLED))
    (rows,) = Machine.read(folder).groups.values()
    pinned, installed = (
        rows[rows.environment == kind] for kind in ("pinned", "installed")
    )
    assert comparisons.in_both(rows, rows) == [
        ("PyTorch", 50, 50),
        ("PyTorch, installed", 80, 80),
    ]
    assert comparisons.in_both(pinned, installed) == [
        ("PyTorch; PyTorch, installed", 50, 80)
    ]


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A framework in a folder of its own."""
    (tmp_path / "outside" / "frameworks").mkdir(parents=True)
    (tmp_path / "outside" / "frameworks" / "Elsewhere.toml").write_text(
        'label = "From Elsewhere"\nlanguage = "Python"\nenvironment = "torch"\n'
        'gru = "reset_after"\nprecisions = ["fp32"]\nstate = "living"\n'
        'release = "1"\nupstream = "https://example.org"\n'
    )
    monkeypatch.setenv("ROSETTA_FRAMEWORKS", str(tmp_path / "outside"))
    registry.reading.clear()
    yield
    monkeypatch.undo()
    registry.reading.clear()


def test_an_outside_framework_is_in_the_tables_but_not_in_the_readme_s_list(
    outside, write, folder
):
    page = write({"framework": "Elsewhere"})
    assert row_of(page, "From Elsewhere")
    table = results.beside("CNN", [Machine.read(folder)])
    assert "From Elsewhere" in {row[0].text for row in table.body}
    listed = "\n".join(tables._frameworks())
    assert "From Elsewhere" not in listed and "[PyTorch](https://pytorch.org)" in listed
    assert "[CNN](../notebooks/PyTorch_CNN.ipynb)" in listed


def test_committed_pages_are_what_their_records_make(tmp_path):
    def kept(root):
        folders = [*(root / "results").rglob("*"), *(root / "docs").rglob("*")]
        files = [root / "README.md", *folders]
        return {
            path.relative_to(root): path.read_bytes()
            for path in files
            if path.is_file() and "quick" not in path.parts
        }

    ignore = shutil.ignore_patterns("__pycache__", "quick", "verify", ".*")
    for name in ("support", "common", "notebooks", "results", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    shutil.copy(ROOT / "README.md", tmp_path)
    before = kept(tmp_path)
    code = "from support.publish.tables import update_all; update_all()"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    after = kept(tmp_path)
    assert [path for path in before if before[path] != after.get(path)] == []
    assert after.keys() == before.keys()


def test_committed_records_are_whole_real_and_small(caplog):
    total = 0
    for folder in store.machines():
        for record in store.read_all(folder).values():
            assert record["data"] == "real"
    assert "is left out" not in caplog.text
    for path in RESULTS.rglob("*"):
        if path.is_file() and "quick" not in path.parts:
            total += path.stat().st_size
            assert b"/root" not in path.read_bytes(), path
    assert total < 10e6
