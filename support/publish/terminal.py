"""Tables in a terminal. Text is text: nothing in it becomes markup or moves the cursor."""

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from support.publish.table import FAILED, NONE, Cell, Table
from support.publish.text import one_line

STYLES = {FAILED: "red", NONE: "dim"}
WIDTH = 140  # where the output is no terminal


def show(table: Table, console: Console | None = None) -> None:
    """Print the table, its notes below it."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDTH)
    printed = RichTable(title=Text(one_line(table.title)), title_justify="left")
    for place, name in enumerate(table.head):
        # no figure is cut short, no label is broken
        printed.add_column(Text(one_line(name)), overflow="fold", no_wrap=place == 0)
    for row in table.body:
        printed.add_row(*map(_text, row))
    console.print(printed)
    for note in table.notes:
        console.print(Text(one_line(note)))


def _text(cell: Cell) -> Text:
    return Text(one_line(cell.shown), style=STYLES.get(cell.kind, ""))
