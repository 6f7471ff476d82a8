"""What a person sees while a run lasts."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from support import registry
from support.devices import choose
from support.execution.display import Display
from support.execution.jobs import Job
from support.execution.settings import Settings


@pytest.fixture
def jobs():
    settings = Settings(choose.cpu(), Path("results"), data="quick")
    frameworks = list(registry.frameworks().values())[:2]
    return [Job(f, model, settings) for model in ("CNN", "RNN") for f in frameworks]


def shown(jobs, terminal):
    output = io.StringIO()
    display = Display(jobs, Console(file=output, force_terminal=terminal, width=120))
    with display:
        display.update(jobs[0], "running", "train")
        display.update(jobs[1], "failed", "needs Python 3.6")
        display.update(jobs[0], "done", "12.3 s, accuracy 0.990")
        display.update(jobs[2], "running", "data")
    return output.getvalue()


def test_a_terminal_gets_a_live_table_of_framework_and_model(jobs):
    table = shown(jobs, terminal=True)
    assert "CNN" in table and "RNN" in table
    for text in (
        jobs[0].framework.label,
        "done",
        "failed",
        "running",
        "waiting",
        "(data)",
    ):
        assert text in table
    assert "needs Python 3.6" in table


def test_elsewhere_plain_lines_say_what_happens(jobs):
    lines = shown(jobs, terminal=False).splitlines()
    assert lines[0] == f"{jobs[0].name}: running after 0 s: train"
    assert lines[1] == f"{jobs[1].name}: failed: needs Python 3.6"
    assert "\x1b" not in "".join(lines)
