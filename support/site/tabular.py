"""Tables as the templates show them: heads, perhaps under groups, and cells that may be links."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """What stands in a cell; `kind` is "" or "failed" or "none"."""

    text: str
    href: str = ""
    kind: str = ""


NONE = Cell("–", kind="none")


@dataclass
class Table:
    """`groups` are (title, number of columns) above the head."""

    head: list
    body: list
    groups: list = field(default_factory=list)
