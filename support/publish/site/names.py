"""Names: which names of an API a phrase uses, and where each is documented.

A Python phrase is read as a syntax tree, in which the notebook's imports give each name its whole
path. Of other languages, names that are called are taken.
"""

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from support.publish.site import cells
from support.publish.site.cells import Notebook
from support.publish.table import is_address

# What belongs to the notebooks' own frame, and to no framework.
OWN = {"common", *sys.stdlib_module_names}
OWN_OBJECTS = {"self", "run"}
# Methods of every language's lists and tables.
COMMON = {"append", "copy", "insert", "items", "keys", "push", "slice", "values"}
CALLED = re.compile(r"[A-Za-z_]\w*(?:[.$][A-Za-z_]\w*)*(?=\()")


@dataclass(frozen=True)
class Name:
    """A name as the phrase has it, and whole: `nn.Conv2d`, `torch.nn.Conv2d`."""

    shown: str
    whole: str


def used(source: str, notebook: Notebook) -> list[Name]:
    """The names of libraries that the source uses, each once, in the order of their first use.

    A method whose object is no library is shown with a leading dot.
    """
    if notebook.language == "python":
        found = _python(source, imports(notebook))
    else:
        found = _called(source, notebook)
    return list(dict.fromkeys(name for name in found if _last(name) not in COMMON))


def _last(name: Name) -> str:
    return name.whole.rpartition(".")[2]


@functools.cache
def imports(notebook: Notebook) -> dict[str, str]:
    """What each imported name of a Python notebook stands for, but those of its own frame."""
    found: dict[str, str] = {}
    for cell in notebook.cells:
        for node in ast.walk(_parsed(cell.source)):
            found.update(_imported(node))
    return {name: whole for name, whole in found.items() if _library(whole) not in OWN}


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            whole = alias.name if alias.asname else _library(alias.name)
            yield alias.asname or whole, whole
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _library(whole: str) -> str:
    return whole.partition(".")[0]


def _parsed(source: str) -> ast.AST:
    """The syntax tree; an empty one for what is no Python, such as a lone `else`."""
    lines = [line for line in source.split("\n") if line.strip() != cells.ELLIPSIS]
    for text in ("\n".join(lines), "\n".join([*lines, "    pass"])):
        try:
            return ast.parse(text)
        except SyntaxError:
            # an argument or a dictionary's line of its own
            text = text.strip().rstrip(",")
            try:
                return ast.parse(f"f({text})")
            except SyntaxError:
                continue
    return ast.Module([], [])


def _python(source: str, imported: Mapping[str, str]) -> Iterator[Name]:
    tree = _parsed(source)
    defined = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    }
    inner = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    known = {*imported, *OWN_OBJECTS, *defined}
    for node in _in_order(tree):
        method = node.func if isinstance(node, ast.Call) else None
        if isinstance(method, ast.Attribute) and _root(method) not in known:
            yield Name(f".{method.attr}", f".{method.attr}")
        parts = [] if id(node) in inner else _parts(node)
        if parts and parts[0] in imported and not any(p.startswith("_") for p in parts):
            whole = ".".join([imported[parts[0]], *parts[1:]])
            if len(parts) > 1 or "." in whole:
                yield Name(".".join(parts), whole)


def _in_order(tree: ast.AST) -> list[ast.expr]:
    """The expressions, by where they stand."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def _root(node: ast.expr) -> str:
    """The name that a chain of attributes, calls and subscripts begins with; "" if it is none."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _parts(node: ast.AST) -> list[str]:
    """`a.b.c` as its parts; [] for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []


def _called(source: str, notebook: Notebook) -> Iterator[Name]:
    """The dotted names that are called, for languages that are not parsed here."""
    for match in CALLED.finditer(cells.without_texts(source, notebook.language)):
        whole = match[0].replace("$", ".")
        if re.split(r"[.$]", match[0])[0] not in OWN_OBJECTS:
            yield Name(match[0], whole)


def documented(name: Name, addresses: Mapping[str, str]) -> str:
    """Where the name is documented, by the longest beginning of it that has an address; else "".

    In an address {name} is the whole name, {path} what follows the beginning, with slashes.
    """
    for known in _beginnings(name.whole):
        if known in addresses:
            path = name.whole.removeprefix(known).strip(".").replace(".", "/")
            address = addresses[known].format(name=name.whole, path=path)
            return address if is_address(address) else ""
    return ""


def _beginnings(whole: str) -> Iterable[str]:
    parts = whole.split(".")
    return (".".join(parts[:length]) for length in range(len(parts), 0, -1))
