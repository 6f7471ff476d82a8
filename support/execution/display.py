"""Show a run while it lasts: what is running and how far it is on a terminal, plain lines elsewhere."""

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from support.execution.jobs import Job

STYLES = {"done": "green", "failed": "red", "skipped": "dim"}
ENDED = tuple(STYLES)
MOST = 12  # lines of what is running: a terminal may have 24


class Display:
    """What has ended becomes a line that scrolls away; below stay what is running and a summary.

    Without a terminal, a line says that a notebook starts and another how it ended.
    """

    def __init__(self, jobs: Sequence[Job], console: Console | None = None) -> None:
        self._console = console or Console()
        self._repeats = any(job.repeat > 1 for job in jobs)
        self._devices = len({job.settings.device.name for job in jobs}) > 1
        self._width = max(len(self._name(job)) for job in jobs)
        self._states: dict[Job, tuple[str, str]] = dict.fromkeys(jobs, ("waiting", ""))
        self._started: dict[Job, float] = {}
        self._since = time.monotonic()
        self._live = Live(
            console=self._console, get_renderable=self._below, transient=True
        )

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def update(self, job: Job, state: str, detail: str) -> None:
        """The job is in this state now; `detail` is the cell, the result, or the reason."""
        before = self._states[job][0]
        self._states[job] = (state, detail)
        if state == "running":
            self._started.setdefault(job, time.monotonic())
            if before != state and not self._console.is_terminal:
                self.say(f"{self._name(job)}: running")
        elif state in ENDED and before != state:
            self._print_end(job, state, detail)

    def _print_end(self, job: Job, state: str, detail: str) -> None:
        elapsed = ""
        if job in self._started:
            elapsed = f" after {_clock(time.monotonic() - self._started[job])}"
        if not self._console.is_terminal:
            self.say(f"{self._name(job)}: {state}{elapsed}: {detail}")
            return
        line = Text(f"{self._name(job):{self._width}}  ")
        line.append(f"{state}{elapsed}", STYLES[state]).append(f"  {detail}")
        self._console.print(line, soft_wrap=True)

    def _name(self, job: Job) -> str:
        details = [f"run {job.repeat}"] if self._repeats else []
        details += [job.settings.device.name] if self._devices else []
        return f"{job.name} ({', '.join(details)})" if details else job.name

    def _below(self) -> Group:
        """The lines that stay at the bottom."""
        running = [
            Text(
                f"{self._name(job):{self._width}}  "
                f"{_clock(time.monotonic() - self._started[job])}  {detail}",
                "yellow",
                no_wrap=True,
                overflow="ellipsis",
            )
            for job, (state, detail) in self._states.items()
            if state == "running"
        ]
        return Group(*running[:MOST], Text(self.summary(), "bold", no_wrap=True))

    def summary(self) -> str:
        """How many notebooks have ended and how, the time so far, and an estimate of the rest."""
        states = [state for state, _ in self._states.values()]
        ended = sum(state in ENDED for state in states)
        parts = [f"{ended} of {len(states)} done"]
        parts += [
            f"{states.count(state)} {state}"
            for state in ("failed", "skipped")
            if state in states
        ]
        elapsed = time.monotonic() - self._since
        parts.append(f"{_clock(elapsed)} elapsed")
        run = sum(self._states[job][0] in ENDED for job in self._started)
        if run > 1 and ended < len(states):
            left = elapsed / run * (len(states) - ended)
            parts.append(f"about {_clock(left)} left")
        return ", ".join(parts)


def _clock(seconds: float) -> str:
    """12 s, 3:45 min or 1:02 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"
