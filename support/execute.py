"""Execute one notebook, in a process of its own: `python -m support.execute JOB.json`.

If the job wants several evaluations, the cells `weights`, `evaluate` and `report` are executed
that often, each time with another folder to take weights from and leave them in. Says on standard
output which cell is being executed, by tag. If a cell raises, shows a traceback, or the kernel
dies, leaves where and why in the file that the job names, and exits with status 1.
"""

import copy
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from common.files import write_json

LAST_LINES = 20
EVALUATION = ("weights", "evaluate", "report")


class TellingEngine(NBClientEngine):
    """papermill's own engine, which also says which cell it starts, and turns the exchange."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, exchange, **kwargs):
        start = nb_man.cell_start

        def tell_and_start(cell, cell_index=None, **kwargs):
            if cell.cell_type == "code":
                print(tag(cell), flush=True)
            if "evaluation" in cell.metadata:
                turn(Path(exchange), cell.metadata["evaluation"])
            start(cell, cell_index, **kwargs)

        nb_man.cell_start = tell_and_start
        return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)


def tag(cell):
    return next(iter(cell.metadata.get("tags", [])), "untagged cell")


def turn(exchange, number):
    """Lead the notebook's exchange to the folder of this evaluation."""
    following = exchange / "next"
    following.symlink_to(str(number))
    following.replace(exchange / "now")


def prepared(job):
    """The path of the notebook, or of a copy where the job adds to it: code after the `data` cell
    (`insertion`), more evaluations than one (`evaluations`)."""
    if job["evaluations"] == 1 and not job["insertion"]:
        return job["notebook"]
    notebook = nbformat.read(job["notebook"], as_version=4)
    insert(notebook, job["insertion"])
    repeat(notebook, job["evaluations"])
    target = job["executed"] + ".input.ipynb"
    nbformat.write(notebook, target)
    return target


def insert(notebook, source):
    """Put the code behind the `data` cell, if there is any."""
    if source:
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["inserted"]})
        place = [tag(cell) for cell in notebook.cells].index("data") + 1
        notebook.cells.insert(place, cell)


def repeat(notebook, count):
    """Have it evaluate `count` times, by copies of its cells at the end."""
    repeated = [cell for cell in notebook.cells if tag(cell) in EVALUATION]
    for number in range(1, count):
        for cell in map(copy.deepcopy, repeated):
            cell.id = f"{cell.id[:50]}-{number}"
            if tag(cell) == EVALUATION[0]:
                cell.metadata["evaluation"] = number
            notebook.cells.append(cell)


def main(path):
    job = json.loads(Path(path).read_text())
    end_with(os.getppid())
    papermill_engines.register("telling", TellingEngine)
    try:
        executed = papermill.execute_notebook(
            prepared(job),
            job["executed"],
            job["parameters"],
            engine_name="telling",
            kernel_name=job["kernel"],
            language=job["language"],
            exchange=job["exchange"],
            cwd=job["folder"],
            progress_bar=False,
        )
        fail_for_errors_shown(job, executed)
    except PapermillExecutionError as error:
        lines = [uncoloured(line) for line in "\n".join(error.traceback).split("\n")]
        message = f"{error.ename}: {error.evalue}".split("\n")[0]
        fail(job, message, lines[-LAST_LINES:])
    except DeadKernelError:
        fail(job, "the kernel died (killed, out of memory, or crashed)", [])
    except Exception as error:  # a kernel that does not start, a disk that is full
        fail(job, f"{type(error).__name__}: {error}".strip().split("\n")[0], [])


def fail_for_errors_shown(job, executed):
    """A reader takes a traceback for a failure, and is right: whoever caught it had to say so."""
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if "Traceback (most recent call last)" in output.get("text", ""):
                print(tag(cell), flush=True)
                lines = uncoloured(output["text"]).splitlines()
                fail(job, "a traceback is among its outputs", lines[-LAST_LINES:])


def fail(job, reason, lines):
    write_json(job["failure"], {"reason": reason, "lines": lines})
    sys.exit(1)


def uncoloured(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def end_with(parent):
    """End this process, and with it the kernel, when the runner that started it is gone."""

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1])
