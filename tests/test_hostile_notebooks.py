"""Whatever a notebook does, it harms no other, and what it reports is believed only if it can be true.

All of them run in one command, two at a time, between notebooks that are in order.
"""

import json
import re
import shutil
import time

import psutil
import pytest
from toy_checkout import REPORT, TRAIN, Checkout, write_framework

pytestmark = pytest.mark.slow

GOOD = TRAIN["Good"]
MARK = "rosetta-test-orphan"
SLEEP = f"sh -c ': {MARK}; sleep 600; :'"
# A server as frameworks start them: its parent ends at once. Another notebook ends meanwhile.
DAEMON = f"""
import glob, subprocess
command = "{SLEEP} >/dev/null 2>&1 & echo $!"
pid = int(subprocess.check_output(command, shell=True))
while not glob.glob("../results/*/quick/records/Exits_*"):
    time.sleep(0.1)
time.sleep(2)
with open(f"/proc/{{pid}}/stat") as file:
    assert file.read().split(") ")[1][0] in "SR", "ended while its notebook runs"
"""
# name -> (code of the train cell, what the failure says; "" where the run is good)
NOTEBOOKS = {
    "Markup": (
        "raise ValueError('[/job:localhost/replica:0/task:0] {no} [bold')",
        "ValueError: [/job:localhost/replica:0/task:0] {no} [bold (in cell 'train')",
    ),
    "Blank": ("raise ValueError('\\n\\n  \\nthe cause')", "the cause"),
    "Coloured": (
        "raise ValueError('\\x1b[31mred\\x1b[0m\\x07\\rover')",
        "over (in cell 'train')",
    ),
    "Long": ("raise ValueError('x' * 5_000_000)", "ValueError: xxx"),
    "Bytes": (
        f"{GOOD}\nfor n in (1, 2): os.write(n, b'\\xff\\xfe[/x]\\n' * 100_000)",
        "",
    ),
    "Daemon": (GOOD + DAEMON, ""),
    "Orphan": (
        f"{GOOD}\nimport shlex, subprocess\n"
        f'subprocess.Popen(shlex.split("{SLEEP}"), start_new_session=True)',
        "",
    ),
    "Exits": ("os._exit(3)", "the kernel died"),
    "Negative": (
        f"{GOOD}\nrun.stopwatch.epoch_seconds[0] = -1e6",
        "less than the minimum",
    ),
    "NotANumber": (f"{GOOD}\nrun.stopwatch.epoch_seconds[0] = float('nan')", "JSON"),
    "Liar": (
        f"{GOOD}\nimport atexit\npath = os.environ['ROSETTA_REPORT']\n"
        "def lie():\n    with open(path) as file:\n        text = file.read()\n"
        "    with open(path, 'w') as file:\n"
        "        file.write(text.replace('\"accuracy\": 0.9', '\"accuracy\": NaN'))\n"
        "atexit.register(lie)",
        "its report is no JSON: ",
    ),
    "Impostor": (
        f"{GOOD}\nrun.framework = 'Good'",
        "framework = 'Good', not 'Impostor'",
    ),
    "Epochs": (
        f"{GOOD}\nrun.stopwatch.epoch_seconds.append(0.1)",
        "epochs = 3, not 2",
    ),
    "Silent": (f"{GOOD}\nos.environ['ROSETTA_REPORT'] = ''", "without its report"),
    "Nonsense": (
        f"{GOOD}\nopen(os.environ.pop('ROSETTA_REPORT'), 'w').write('[]')",
        "no JSON object",
    ),
    "Accuracy": (GOOD, "accuracy: 7"),
    "Last": (GOOD, ""),
}


def write(checkout, key, train):
    """A framework whose train cell is this code."""
    write_framework(checkout.root / "support" / "registry", key)
    text = (checkout.root / "notebooks" / "Good_RNN.ipynb").read_text()
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["id"] == "train":
            cell["source"] = train
        if cell["id"] == "report" and key == "Accuracy":
            cell["source"] = REPORT.replace("accuracy=0.9", "accuracy=7.0")
    path = checkout.root / "notebooks" / f"{key}_RNN.ipynb"
    path.write_text(json.dumps(notebook))


@pytest.fixture(scope="module")
def hostile(template, tmp_path_factory):
    """The checkout, and the run of all notebooks."""
    root = tmp_path_factory.mktemp("hostile") / "checkout {brace}"
    ignore = shutil.ignore_patterns(".rosetta", "__pycache__", "results")
    shutil.copytree(template.root, root, ignore=ignore)
    (root / ".rosetta").mkdir()
    for name in ("main", "environments"):
        (root / ".rosetta" / name).symlink_to(template.root / ".rosetta" / name)
    checkout = Checkout(root)
    for key, (train, _) in NOTEBOOKS.items():
        write(checkout, key, train)
    (root / "notebooks" / "Broken_RNN.ipynb").write_text("{")
    write_framework(root / "support" / "registry", "Broken")
    keys = [*NOTEBOOKS, "Broken"]
    return checkout, checkout.run(
        *("--quick", "--jobs", "2", "-m", "RNN", "-f", *keys), timeout=400
    )


@pytest.mark.parametrize("key", [key for key, (_, why) in NOTEBOOKS.items() if why])
def test_a_failure_says_why_in_one_short_line(hostile, key):
    checkout, run = hostile
    [line] = [x for x in run.stderr.splitlines() if x.startswith(f"failed: {key} RNN:")]
    assert NOTEBOOKS[key][1] in line
    assert len(line) < 500 and line.isprintable()
    failure = checkout.record(key, failed=True)
    assert failure["reason"] and checkout.record(key) is None
    assert all(len(text) <= 400 for text in failure["lines"])


@pytest.mark.parametrize("key", [key for key, (_, why) in NOTEBOOKS.items() if not why])
def test_what_is_in_order_is_kept(hostile, key):
    checkout, _ = hostile
    assert checkout.record(key)["status"] == "ok"
    assert checkout.record(key, failed=True) is None


def test_a_file_that_is_no_notebook_is_named(hostile):
    assert "Broken RNN: Broken_RNN.ipynb is no notebook" in hostile[1].stderr


def test_the_counts_are_told_in_the_end(hostile):
    _, run = hostile
    good = sum(not why for _, why in NOTEBOOKS.values())
    failed = len(NOTEBOOKS) - good + 1
    assert run.returncode == 1
    assert f"{good} run, 0 unchanged, {failed} failed" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_what_a_notebook_left_running_is_ended_and_told_as_its_own(hostile):
    _, run = hostile
    told = re.findall(
        r"^(\w+) RNN: ended what it left running: (.*)$", run.stdout, re.M
    )
    assert dict(told) == {"Daemon": "sh", "Orphan": "sh"}
    deadline = time.monotonic() + 10
    while orphans() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not orphans()


def orphans():
    """Processes that a notebook of these tests has left."""
    found = []
    for process in psutil.process_iter():
        try:
            found += [process.pid] * (MARK in " ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found
