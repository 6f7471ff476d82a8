"""Environments being made, each by a process of its own, while notebooks of finished ones run."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from support.basics.errors import NotPossible
from support.basics.paths import ROOT
from support.basics.processes import end_tree
from support.basics.text import last_lines
from support.environments import Pinned
from support.execution.jobs import Job
from support.execution.preparing import by_environment, make_environment

AT_ONCE = 2  # while one unpacks, another can download
# -I: the caller's settings of Python are not for it
MAKE = """
import sys
sys.path.insert(0, sys.argv[1])
from support.environments.make import main
main(*sys.argv[2:])
"""

Say = Callable[[str], None]
Errors = dict[Job, NotPossible]


class Making:
    """The pinned environment that these jobs share is being made; `folder` is a fresh one."""

    def __init__(self, jobs: list[Job], environment: Pinned, folder: Path) -> None:
        self.jobs = jobs
        folder.mkdir(parents=True)
        self._outcome, self._log = folder / "outcome.json", folder / "log"
        self._said = 0
        what = [environment.name, environment.variant, str(self._outcome)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", MAKE, str(ROOT), *what],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the runner alone, which ends us in order
            )

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def news(self) -> list[str]:
        """The lines that it has said since the last call."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        new, self._said = lines[self._said :], len(lines)
        return new

    def error(self) -> NotPossible | None:
        """Why it could not be made; None if it was."""
        if self._outcome.exists():
            said = json.loads(self._outcome.read_text(encoding="utf-8"))
            return NotPossible(**said) if said else None
        text = self._log.read_text(encoding="utf-8", errors="replace")
        lines = last_lines(text, 1) or [f"status {self.process.returncode}"]
        return NotPossible(f"its environment was not made: {lines[-1]}")

    def end(self) -> None:
        """End the process and all that it started."""
        end_tree(self.process.pid)


class Makers:
    """Makes the environments of jobs, AT_ONCE at a time; those that exist are only looked at."""

    def __init__(self, jobs: Iterable[Job], folder: Path, say: Say) -> None:
        self._waiting = by_environment(jobs)
        self._folder, self._say = folder, say
        self._started = 0
        self._at_work: list[Making] = []

    @property
    def busy(self) -> bool:
        """Whether anything is still to be made."""
        return bool(self._waiting or self._at_work)

    @property
    def pids(self) -> list[int]:
        return [making.process.pid for making in self._at_work]

    def look(self) -> tuple[list[Job], Errors]:
        """Start what can be started; returns the jobs whose environments are ready by now, and why
        those of others cannot be made."""
        ready: list[Job] = []
        errors: Errors = {}
        while self._waiting and len(self._at_work) < AT_ONCE:
            jobs = self._waiting.pop(0)
            environment = jobs[0].environment
            if isinstance(environment, Pinned) and not environment.is_ready:
                self._start(jobs, environment)
                continue
            error = make_environment(jobs, self._say)
            errors.update(dict.fromkeys(jobs, error) if error else {})
            ready += [] if error else jobs
        for making in list(self._at_work):
            ended = making.has_ended
            for line in making.news():
                self._say(line)
            if ended:
                self._at_work.remove(making)
                error = making.error()
                errors.update(dict.fromkeys(making.jobs, error) if error else {})
                ready += [] if error else making.jobs
        return ready, errors

    def _start(self, jobs: list[Job], environment: Pinned) -> None:
        self._say(f"{environment.preparing} {environment.name}")
        self._started += 1
        folder = self._folder / str(self._started)
        self._at_work.append(Making(jobs, environment, folder))

    def end(self) -> None:
        """End whatever is being made."""
        for making in self._at_work:
            making.end()
