"""Records that are damaged in all kinds of ways are named, and stop no command."""

import json
import os

import pytest
from toy_record import RECORD

pytestmark = pytest.mark.slow

DAMAGES = {
    "empty": "",
    "half": '{"schema": 1, "framework"',
    "array": "[]",
    "nan": json.dumps({**RECORD, "seconds": 1.5}).replace("1.5", "NaN"),
    "negative": json.dumps({**RECORD, "seconds": -3.0}),
    "accuracy": json.dumps({**RECORD, "accuracy": 7}),
    "precision": json.dumps({**RECORD, "precision": "fp8"}),
    "model": json.dumps({**RECORD, "model": "LSTM"}),
    "future": json.dumps({**RECORD, "schema": 99}),
    "poor": json.dumps({"schema": 1, "status": "ok"}),
    "text": json.dumps({**RECORD, "epochs": "ten"}),
    "nested": "[" * 100_000,
}


@pytest.fixture
def damaged(checkout):
    """The checkout with a machine that has these and one good record."""
    machine = checkout.root / "results" / "toy"
    folder = machine / "records"
    folder.mkdir(parents=True)
    for name, text in DAMAGES.items():
        (folder / f"{name}.json").write_text(text)
    os.mkfifo(folder / "fifo.json")
    (folder / "folder.json").mkdir()
    (folder / "link.json").symlink_to("/etc/hostname")
    record = {**RECORD, "framework": "Good", "status": "ok"}
    (folder / "good.json").write_text(json.dumps(record))
    return checkout


@pytest.mark.parametrize(
    "command, shown",
    [
        (["tables"], ""),
        (["site"], "index.html"),
        (
            ["verify", "-f", "Good", "--dry-run", "--machine", "toy"],
            "",
        ),
    ],
    ids=lambda x: x[0] if isinstance(x, list) else "",
)
def test_each_is_named_and_all_else_is_shown(damaged, command, shown):
    done = damaged.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert shown in done.stdout
    for name in [*DAMAGES, "fifo", "folder", "link"]:
        [line] = [x for x in done.stderr.splitlines() if f"{name}.json" in x]
        assert "is left out: " in line and len(line) < 500
    if command[0] == "tables":
        assert "Good" in (damaged.root / "results/toy/README.md").read_text()


def test_a_damaged_record_of_the_machine_itself_is_named_by_a_list(checkout):
    [path] = (checkout.root / "results").rglob("Good_*_run-1.json")
    path.write_text("{")
    listed = checkout.run("--quick", "-m", "RNN", "-f", "Good", "--list")
    assert listed.returncode == 0
    assert f"{path.name} is left out: " in listed.stderr
    assert "Good  ready" in listed.stdout
