"""Tables in a terminal. Text is text: nothing in it becomes markup or moves the cursor."""

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from support.publish.table import FAILED, NONE, Cell, Table
from support.publish.text import one_line

STYLES = {FAILED: "red", NONE: "dim"}
WIDTH = 140  # where the output is no terminal
LONGEST = 24  # characters; a longer cell may be folded to save a column


def show(table: Table, console: Console | None = None) -> None:
    """Print the table, its notes below it."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDTH)
    printed = RichTable(title=Text(one_line(table.title)), title_justify="left")
    shown = _fitting(table, console.width)
    for place in shown:
        # no figure is cut short, no label is broken
        name = Text(one_line(table.head[place]))
        printed.add_column(name, overflow="fold", no_wrap=place == 0)
    for row in table.body:
        printed.add_row(*(_text(row[place]) for place in shown))
    console.print(printed)
    for note in table.notes:
        console.print(Text(one_line(note)))


def _fitting(table: Table, width: int) -> list[int]:
    """The columns that fit into the width, after as few minor ones as possible have gone."""
    lines = [table.head, *([cell.shown for cell in row] for row in table.body)]
    widths = [
        min(max(len(one_line(text)) for text in column), LONGEST) + 3
        for column in zip(*lines)
    ]
    kept = list(range(len(widths)))
    for name in table.minor:
        if sum(widths[place] for place in kept) < width:
            break
        kept = [place for place in kept if table.head[place] != name]
    return kept


def _text(cell: Cell) -> Text:
    return Text(one_line(cell.shown), style=STYLES.get(cell.kind, ""))
