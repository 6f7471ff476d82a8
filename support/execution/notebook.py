"""Execute one notebook, in a process of its own: `python -m support.execution.notebook ORDER.json`.

If the order wants several evaluations, the cells `weights`, `evaluate` and `report` are executed
that often, each time with another folder to take weights from and leave them in. The tag of the
cell that is being executed stands in a file that the order names. If a cell raises, shows a
traceback, or the kernel dies, leaves where and why in another file, and exits with status 1.

Processes that the notebook started and whose parents ended belong to this one until the notebook
has ended; then they are ended, and their names left in a file.
"""

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.translators import Translator, papermill_translators

from common.files import write_json
from support.basics.processes import end_orphans, end_with
from support.basics.text import first_line, last_lines

LAST_LINES = 20
STARTS = 3  # of a kernel that ends before it answers
EVALUATION = ("weights", "evaluate", "report")

Order = dict[str, Any]


class ProgressEngine(NBClientEngine):
    """papermill's own engine, which also says which cell it starts, and switches the exchange."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, exchange: str, cell_file: str, **kwargs: Any
    ) -> Any:
        start = nb_man.cell_start

        def note_and_start(cell: Any, cell_index: Any = None, **kwargs: Any) -> None:
            if cell.cell_type == "code":
                Path(cell_file).write_text(tag(cell), encoding="utf-8")
            if "evaluation" in cell.metadata:
                use_evaluation(Path(exchange), cell.metadata["evaluation"])
            start(cell, cell_index, **kwargs)

        nb_man.cell_start = note_and_start
        return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)


def translator(assignment: str, comment: str, integer: str) -> type[Translator]:
    """How parameters are written in a language, as its entry says."""

    class FromEntry(Translator):
        @classmethod
        def translate_int(cls, val: int) -> str:
            return integer.format(val)

        @classmethod
        def assign(cls, name: str, str_val: str) -> str:
            return assignment.format(name=name, value=str_val)

        @classmethod
        def comment(cls, cmt_str: str) -> str:
            return comment.format(cmt_str)

    return FromEntry


def tag(cell: Any) -> str:
    return next(iter(cell.metadata.get("tags", [])), "untagged cell")


def use_evaluation(exchange: Path, number: int) -> None:
    """Let the notebook's exchange be the folder of this evaluation."""
    following = exchange / "next"
    following.symlink_to(str(number))
    following.replace(exchange / "now")


def prepared(order: Order) -> Any:
    """The notebook to be executed: the original, to which the order may add code after the `data`
    cell (`insertion`) and more evaluations (`evaluations`)."""
    notebook = nbformat.read(order["notebook"], as_version=4)
    insert(notebook, order["insertion"])
    repeat(notebook, order["evaluations"])
    return notebook


def insert(notebook: Any, source: str) -> None:
    """Put the code behind the `data` cell, if there is any."""
    if source:
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["inserted"]})
        place = [tag(cell) for cell in notebook.cells].index("data") + 1
        notebook.cells.insert(place, cell)


def repeat(notebook: Any, count: int) -> None:
    """Have it evaluate `count` times, by copies of its cells at the end."""
    repeated = [cell for cell in notebook.cells if tag(cell) in EVALUATION]
    for number in range(1, count):
        for cell in map(copy.deepcopy, repeated):
            cell.id = f"{cell.id[:50]}-{number}"
            if tag(cell) == EVALUATION[0]:
                cell.metadata["evaluation"] = number
            notebook.cells.append(cell)


def main(path: str) -> None:
    order = json.loads(Path(path).read_text(encoding="utf-8"))
    end_with(os.getppid())
    try:
        run(order)
    finally:
        left = end_orphans()
        if left:
            Path(order["left"]).write_text(", ".join(left), encoding="utf-8")


def run(order: Order) -> None:
    """Execute the notebook, and leave what the order wants; exits with status 1 if it fails."""
    papermill_engines.register("progress", ProgressEngine)
    if order["assignment"]:
        known = translator(order["assignment"], order["comment"], order["integer"])
        papermill_translators.register(order["language"], known)
    # papermill fills parameters in where a path has braces: it is given a name alone
    executed_path = Path(order["executed"])
    os.chdir(executed_path.parent)
    try:
        fail_for_errors_shown(order, execute(order, executed_path.name))
    except PapermillExecutionError as error:
        message = f"{error.ename}: {first_line(error.evalue)}"
        fail(
            order,
            first_line(message),
            last_lines("\n".join(error.traceback), LAST_LINES),
        )
    except DeadKernelError:
        fail(order, "the kernel died (killed, out of memory, or crashed)", [])
    except Exception as error:  # a kernel that does not start, a disk that is full
        fail(order, first_line(f"{type(error).__name__}: {error}"), [])


def execute(order: Order, name: str) -> Any:
    """Execute the notebook; returns it as executed, which is also written to the file `name`.

    jupyter_client chooses a kernel's ports before it starts the kernel. Another process may take
    one of them meanwhile; then the kernel ends at once, and another start gets other ports.
    """
    for start in range(1, STARTS + 1):
        try:
            return papermill.execute_notebook(
                prepared(order),
                name,
                order["parameters"],
                engine_name="progress",
                kernel_name=order["kernel"],
                language=order["language"],
                start_timeout=order["timeout"],
                exchange=order["exchange"],
                cell_file=order["cell"],
                cwd=order["folder"],
                progress_bar=False,
            )
        except RuntimeError as error:
            if start == STARTS or Path(order["cell"]).exists():
                raise
            print(f"start {start} of the kernel failed: {error}", file=sys.stderr)
    raise AssertionError("unreachable")


def fail_for_errors_shown(order: Order, executed: Any) -> None:
    """A traceback in an output is a failure, even if the cell went on."""
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if "Traceback (most recent call last)" in output.get("text", ""):
                Path(order["cell"]).write_text(tag(cell), encoding="utf-8")
                lines = last_lines(output["text"], LAST_LINES)
                fail(order, "a traceback is among its outputs", lines)


def fail(order: Order, reason: str, lines: list[str]) -> NoReturn:
    write_json(order["failure"], {"reason": reason, "lines": lines})
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
