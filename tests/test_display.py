"""What a person sees while a run lasts."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from support import registry
from support.devices import choose
from support.devices.choose import Device
from support.execution import display as displays
from support.execution.display import Display
from support.execution.jobs import Job
from support.execution.settings import Settings


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets."""
    now = [0.0]
    monkeypatch.setattr(displays.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def jobs():
    settings = Settings(choose.cpu(), Path("results"), data="quick")
    frameworks = list(registry.frameworks().values())[:12]
    return [Job(f, model, settings) for model in ("CNN", "RNN") for f in frameworks]


def shown(jobs, terminal, clock):
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=80, height=24)
    display = Display(jobs, console)
    with display:
        display.say("making environment toy")
        display.update(jobs[0], "running", "starting the kernel")
        display.update(jobs[0], "running", "train")
        display.update(jobs[1], "failed", "needs Python 3.6")
        clock[0] = 100.0
        display.update(jobs[0], "done", "12.3 s, accuracy 0.990")
        display.update(jobs[2], "running", "data")
    return display, output.getvalue()


def test_on_a_terminal_what_ended_scrolls_away_above_what_is_running(jobs, clock):
    _, output = shown(jobs, True, clock)
    for text in ("12.3 s, accuracy 0.990", "done after 1:40 min", "needs Python 3.6"):
        assert text in output
    assert "data" in output and "2 of 24 done, 1 failed" in output


def test_the_lines_that_stay_fit_a_small_terminal(jobs, clock):
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    display = Display(jobs, console)
    for job in jobs:
        display.update(job, "running", "a cell with a name that is very long " * 3)
    lines = console.render_lines(display._below())
    assert len(lines) == displays.MOST + 1 < 24


def test_a_line_names_the_device_where_there_are_several(jobs, clock):
    gpu = Device("gpu", "Toy GPU")
    there = replace(jobs[0], settings=replace(jobs[0].settings, device=gpu))
    _, output = shown([there, *jobs], False, clock)
    assert f"{there.name} (Toy GPU): running" in output
    again = replace(there, repeat=2)
    _, output = shown([again, *jobs], False, clock)
    assert f"{there.name} (run 2, Toy GPU): running" in output


def test_the_summary_estimates_what_is_left_from_what_has_run(jobs, clock):
    display, _ = shown(jobs, False, clock)
    assert display.summary() == "2 of 24 done, 1 failed, 1:40 min elapsed"
    clock[0] = 200.0
    display.update(jobs[2], "done", "")
    assert display.summary().endswith("3:20 min elapsed, about 35:00 min left")


def test_elsewhere_one_line_says_that_a_notebook_starts_and_one_how_it_ended(
    jobs, clock
):
    _, output = shown(jobs, False, clock)
    first, second, third = (job.name for job in jobs[:3])
    assert output.splitlines() == [
        "making environment toy",
        f"{first}: running",
        f"{second}: failed: needs Python 3.6",
        f"{first}: done after 1:40 min: 12.3 s, accuracy 0.990",
        f"{third}: running",
    ]
