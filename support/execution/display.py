"""Show a run while it lasts: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from support.execution.jobs import Job

STYLES = {"done": "green", "failed": "red", "running": "yellow", "skipped": "dim"}


class Display:
    """Rows are frameworks, columns models; below, what is being done and waited for."""

    def __init__(self, jobs: Sequence[Job], console: Console | None = None) -> None:
        self._console = console or Console()
        self._jobs = jobs
        # job -> state, detail, when it was started, when it ended
        self._states: dict[Job, tuple[str, str, float | None, float | None]]
        self._states = dict.fromkeys(jobs, ("waiting", "", None, None))
        self._live = Live(console=self._console, get_renderable=self._table)

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
        old, old_detail, started, _ = self._states[job]
        started = started or (time.monotonic() if state == "running" else None)
        ended = time.monotonic() if state in ("done", "failed") else None
        self._states[job] = (state, detail, started, ended)
        changed = (state, detail) != (old, old_detail)
        if not self._console.is_terminal and changed and detail:
            elapsed = f" after {time.monotonic() - started:.0f} s" if started else ""
            self.say(f"{self._name(job)}: {state}{elapsed}: {detail}")

    def _name(self, job: Job) -> str:
        several = any(other.repeat > 1 for other in self._jobs)
        return f"{job.name} (run {job.repeat})" if several else job.name

    def _table(self) -> Table:
        columns = list(dict.fromkeys(job.column for job in self._jobs))
        table = Table("framework", *columns)
        for framework in dict.fromkeys(job.framework.label for job in self._jobs):
            cells = [self._cell(framework, column) for column in columns]
            table.add_row(Text(framework), *cells)
        now = [
            f"{self._name(job)}: {detail}"
            for job, (state, detail, *_) in self._states.items()
            if detail and state in ("running", "waiting", "failed")
        ]
        table.caption = Text("\n".join(now[-6:]))
        return table

    def _cell(self, framework: str, column: str) -> Text:
        """The states of all repeats, shortly."""
        parts = []
        for job, (state, detail, started, ended) in self._states.items():
            if (job.framework.label, job.column) != (framework, column):
                continue
            text = state
            if started:
                text += f" {(ended or time.monotonic()) - started:.0f} s"
            if state == "running":
                text += f" ({detail})"
            parts.append(Text(text, STYLES.get(state, "")))
        return Text("\n").join(parts)
