"""Tables and charts say what the records say, and only that."""

import json

import pytest
from toy_record import RECORD

from support import charts, records, registry, tables
from support.paths import RESULTS, ROOT

FRAMEWORKS = registry.load()


@pytest.fixture
def write(tmp_path):
    """Write records into a results folder; returns the page that is made of them."""

    def write_records(*changes, quick=False):
        folder = tmp_path / "toy" / "quick" if quick else tmp_path / "toy"
        (folder / "records").mkdir(parents=True, exist_ok=True)
        for number, change in enumerate(changes):
            path = folder / "records" / f"{number}.json"
            path.write_text(json.dumps({**RECORD, **change}))
        tables.update_machine(folder, FRAMEWORKS)
        return (folder / "README.md").read_text()

    return write_records


def row_of(page, label):
    return next(
        line
        for line in page.splitlines()
        if line.startswith((f"| [{label}]", f"| {label}"))
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


BUSY = "other processes used 76% of the processors meanwhile"


def test_runs_with_a_limit_of_examples_have_a_table_of_their_own(write):
    page = write({}, {"examples_limit": 9600, "epochs": 1, "seconds": 7.0})
    assert "## CNN on CIFAR-10, 10 epochs (the protocol), fp32" in page
    own = page.partition("## CNN on CIFAR-10, 1 epoch of 9,600 images, fp32")[2]
    assert "| 7 |" in row_of(own, "PyTorch")


def test_so_have_predictions_of_fewer_images(write):
    some = {"model": "Inference", "epochs": None, "accuracy": None}
    page = write(some, {**some, "examples_limit": 128})
    assert "## ResNet-50 features, fp32" in page
    assert "## ResNet-50 features, 128 images, fp32" in page


def test_tuned_notebooks_are_never_in_a_table_with_the_others(write):
    tuned = next(f for f in FRAMEWORKS.values() if f.tuned)
    page = write({}, {"framework": tuned.key, "seconds": 2.0})
    usual, _, own = page.partition(", fp32, tuned\n")
    assert "| 50 |" in row_of(usual, "PyTorch")
    assert tuned.label not in usual
    assert "| 2 |" in row_of(own, tuned.label)


def test_a_row_has_cold_and_steady_epochs_throughput_accuracy_and_version(write):
    row = row_of(write({}), "PyTorch")
    assert "| 50 | 9 | 4.5 | 9997 | 77.5% | PyTorch 2.13.0 | 1 of 1 |" in row


def test_repeats_give_their_median_and_range_cold_and_steady_apart(write):
    cells = cells_of(write(*times(60.0, 90.0, 66.0)), "PyTorch")
    assert cells["s"] == "66 (60–90)"
    assert cells["cold"] == "44 (40–60)"
    assert cells["steady"] == "22 (20–30)"
    assert cells["accuracy"] == "77.5% (77.5%–77.5%)"
    assert cells["runs"] == "3 of 3"


@pytest.mark.parametrize(
    "told", [{"warnings": [BUSY]}, {"load": {"disturbed": [BUSY]}}], ids=["old", "new"]
)
def test_a_disturbed_run_is_left_out_while_there_are_others(write, told):
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


def test_a_chart_shows_the_range_of_several_runs(write, tmp_path):
    write(*times(50.0, 60.0), *times(40.0, framework="JAX"))
    chart = (tmp_path / "toy" / "charts" / "cnn-2-epochs-fp32.svg").read_text()
    assert chart.count('class="whisker"') == 1


def test_with_ceilings_a_row_says_which_share_it_reaches(write, tmp_path):
    (tmp_path / "toy").mkdir()
    measured = {
        "matmul": {"fp32": 6.2e12},
        "copy": 2e10,
        "versions": {"NumPy": "2"},
        "date": "2026-01-02T03:04:05+00:00",
        "load": {"disturbed": []},
    }
    (tmp_path / "toy" / "ceilings.json").write_text(json.dumps(measured))
    page = write({}, {"precision": "tf32"})
    assert cells_of(page, "PyTorch")["of ceiling"] == "60%"
    assert "fp32 6.2 TFLOP/s; memory copy 20 GB/s (NumPy 2, 2026-01-02)" in page
    assert page.count("of ceiling |") == 1, "no ceiling for tf32"


def test_a_failed_cell_says_why_and_a_finished_run_outweighs_it(write):
    failed = {"status": "failed", "reason": "needs Python 3.6", "framework": "CNTK"}
    page = write({}, failed, {**failed, "framework": "PyTorch"})
    assert "needs Python 3.6" in row_of(page, "CNTK")
    assert "77.5%" in row_of(page, "PyTorch")


def test_other_load_is_told(write):
    said = "other processes used 76% of the processors meanwhile"
    assert said in row_of(write({"warnings": [said]}), "PyTorch")


def test_different_settings_never_share_a_table(write):
    page = write({}, {"epochs": 1}, {"precision": "bf16"})
    assert page.count("## CNN on CIFAR-10") == 3
    assert "10 epochs (the protocol), fp32" in page


def test_a_page_on_generated_data_says_so_and_has_no_chart(write):
    page = write({"data": "quick", "epochs": 10}, quick=True)
    assert "compare nothing" in page
    assert "CIFAR-10" not in page and "protocol" not in page
    assert "svg" not in page


def test_a_chart_shows_each_value(write, tmp_path):
    write({}, {"framework": "JAX", "seconds": 75.0})
    chart = (tmp_path / "toy" / "charts" / "cnn-10-epochs-fp32.svg").read_text()
    assert chart.index(">50<") < chart.index(">75<"), "the fastest first"
    assert "JAX (Flax NNX)" in chart
    assert charts.WIDTH < 1000


def test_the_article_s_figures_are_kept_as_its_own():
    page = (ROOT / "README.md").read_text()
    assert "| Caffe2 | 148 | 54, 78.5% |" in page
    article = records.read_article()
    assert {record["device"] for record in article} == {"K80", "P100"}
    assert (
        len([r for r in article if r["model"] == "CNN" and r["device"] == "K80"]) == 13
    )


def test_committed_pages_are_what_their_records_make():
    pages = [
        ROOT / "README.md",
        *RESULTS.glob("*/README.md"),
        *RESULTS.glob("*/charts/*.svg"),
    ]
    before = {path: path.read_text() for path in pages}
    tables.update_all(FRAMEWORKS)
    assert {path: path.read_text() for path in pages} == before


def test_committed_records_are_whole_real_and_small():
    total = 0
    for folder in records.machines():
        for record in records.read_all(folder):
            assert record["data"] == "real"
            assert record["status"] == "failed" or not records.problem(record)
    for path in RESULTS.rglob("*"):
        if path.is_file() and "quick" not in path.parts:
            total += path.stat().st_size
            assert b"/root" not in path.read_bytes(), path
    assert total < 20e6
