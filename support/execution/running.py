"""A job whose notebook is being executed, by a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from common import sources
from common.files import write_json
from common.machine import cores
from support.basics import precisions
from support.basics.paths import NOTEBOOKS, PRIVATE, ROOT
from support.basics.processes import end_tree, surroundings
from support.basics.text import first_line, last_lines
from support.devices.load import LoadMonitor
from support.environments import kernels
from support.execution.jobs import Job
from support.records import store
from support.records.store import Record

LAST_LINES = 20
LOG_END = 1 << 16  # bytes of a log that are looked at


class Running:
    """Starts the notebook; `folder` is where it leaves everything, a fresh one for each job.

    `at_once` is how many notebooks run at the same time, `timeout` the seconds that this one has.
    """

    def __init__(self, job: Job, folder: Path, at_once: int, timeout: float) -> None:
        self.job, self.timeout = job, timeout
        self.digests = job.digests()  # as it is now: files may change while it runs
        folder.mkdir(parents=True)
        (
            self.report,
            self.failure,
            self.executed,
            self.log,
            self.exchange,
            self._cell,
            self._left,
        ) = (
            folder / name
            for name in (
                "report.json",
                "failure.json",
                "executed.ipynb",
                "log",
                "exchange",
                "cell",
                "left",
            )
        )
        self._open_exchange()
        # several at once share the cores: threads that wait for each other spin, and slow all down
        self._cores = max(1, cores() // at_once)
        sharing = at_once > 1 and job.settings.device.kind == "gpu"
        kernel = kernels.register(
            folder / "jupyter", job.framework, job.environment, self._cores, sharing
        )
        order = folder / "order.json"
        write_json(order, self._order(kernel))
        self._started = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "support.execution.notebook", str(order)],
                cwd=ROOT,
                env=self.variables(folder / "jupyter"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the runner alone, which ends us in order
            )
        self.monitor = LoadMonitor(self.process.pid, job.settings.device)

    def _order(self, kernel: str) -> dict:
        """What support/execution/notebook.py is asked to do."""
        return {
            "notebook": str(self.job.notebook),
            "executed": str(self.executed),
            "exchange": str(self.exchange),
            "evaluations": self.job.evaluations,
            "insertion": self.job.insertion,
            "failure": str(self.failure),
            "cell": str(self._cell),
            "left": str(self._left),
            "parameters": self.job.parameters,
            "kernel": kernel,
            "language": self.job.framework.language.jupyter,
            "assignment": self.job.framework.language.assignment,
            "comment": self.job.framework.language.comment,
            "integer": self.job.framework.language.integer,
            "timeout": self.timeout,
            "folder": str(NOTEBOOKS),
        }

    def _open_exchange(self) -> None:
        """A folder for each evaluation; `now` leads to the one that the notebook uses."""
        if self.job.exchanges:
            for number in range(self.job.evaluations):
                (self.exchange / str(number)).mkdir(parents=True)
            (self.exchange / "now").symlink_to("0")
            self.job.offer(self.exchange)

    def variables(self, jupyter: Path) -> dict[str, str]:
        """The environment variables of the notebook's process and, unless its kernel spec has
        others, of the kernel."""
        exchange = {"ROSETTA_EXCHANGE": str(self.exchange / "now")}
        few = {"OMP_NUM_THREADS": str(self._cores)} if self._cores < cores() else {}
        kept_back = ("PYTHONHOME", *precisions.ROUNDING)
        caller = {n: text for n, text in os.environ.items() if n not in kept_back}
        return {
            **caller,
            **surroundings(),
            **self.job.settings.device.variables,
            "ROSETTA_EXAMPLES": "",  # only as the job's own limit, which its record states
            "ROSETTA_EXCHANGE": "",  # likewise
            **self.job.variables,
            **(exchange if self.job.exchanges else {}),
            **few,
            "ROSETTA_DEVICE": self.job.settings.device.kind,
            "ROSETTA_REPORT": str(self.report),
            "ROSETTA_DATA": str(Path(sources.data_folder()).resolve()),
            "ROSETTA_DOWNLOAD": "no",  # the runner has tried
            "JUPYTER_PATH": str(jupyter),
            "JUPYTER_CONFIG_DIR": str(PRIVATE / "jupyter-config"),
            "JUPYTER_RUNTIME_DIR": str(PRIVATE / "jupyter-runtime"),
            "IPYTHONDIR": str(PRIVATE / "ipython"),
            "PYTHONUTF8": "1",
            "PYTHONPATH": str(ROOT),  # of this process; kernel specs have their own
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # or each kernel would compile its imports
        }

    @property
    def cell(self) -> str:
        """The tag of the cell that is being executed."""
        return _text(self._cell) or "starting the kernel"

    @property
    def left(self) -> str:
        """The names of processes that outlived the notebook, and were ended; "" if none did."""
        return _text(self._left)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def is_late(self) -> bool:
        return self.seconds > self.timeout

    @property
    def lateness(self) -> str:
        """What is said of it if it is late."""
        return f"ran longer than {self.timeout:.0f} s, in cell '{self.cell}'"

    def end(self) -> None:
        """End the process, the kernel and whatever they started."""
        if not self.has_ended:
            end_tree(self.process.pid)

    def outcome(self) -> tuple[Record | None, str, list[str]]:
        """(the notebook's report, "", []), or (None, what failed and where, the last lines)."""
        where = f"(in cell '{self.cell}')"
        lines = last_lines(self._log_end(), LAST_LINES)
        if self.failure.exists():
            failure = json.loads(self.failure.read_text(encoding="utf-8"))
            return None, f"{failure['reason']} {where}", failure["lines"] or lines
        if self.process.returncode:
            return None, f"its process ended: {self._ending(lines)} {where}", lines
        try:
            report = store.parse(self.report.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None, "the notebook ended without its report", lines
        except ValueError as error:
            return None, f"its report is no JSON: {first_line(str(error))}", lines
        problem = self._problem(report) or self.job.find_problem(report, self.exchange)
        return (None, problem, lines) if problem else (report, "", [])

    def _log_end(self) -> str:
        """The end of what its processes wrote, which may be very much."""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_END))
            return file.read().decode("utf-8", "replace")

    def _ending(self, lines: list[str]) -> str:
        status = self.process.returncode
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return lines[-1] if lines else f"status {status}"

    def _problem(self, report: Record) -> str:
        """In what the report is not that of this job; "" if in nothing."""
        if not isinstance(report, dict):
            return "its report is no JSON object"
        for name, expected in self.job.identity.items():
            if report.get(name) != expected:
                found = report.get(name)
                return f"its report says {name} = {found!r}, not {expected!r}"
        if report.get("device_kind") != self.job.settings.device.kind:
            device = self.job.settings.device.name
            return f"was to run on {device}, but ran on the {report.get('device_kind')}"
        return ""


def _text(path: Path) -> str:
    """What the notebook's process wrote there; "" if it wrote nothing."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
