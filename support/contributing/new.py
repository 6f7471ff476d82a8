"""A start for a new framework: the entry, the environment and the notebooks of one that is like it."""

import json
import re
import shutil
from pathlib import Path

from common.files import write_text
from support import registry
from support.basics.errors import UsageError
from support.basics.paths import NOTEBOOKS, REGISTRY
from support.interactive.specs import PREFIX
from support.registry import Framework
from support.registry.reading import KEY

# of the framework that is copied alone: its place in history, and mistakes in its own code
OWN = ("article", "successor", "predecessor", "notebooks", "like", "tuned")


def start(key: str, like: Framework, folder: Path | None = None) -> list[Path]:
    """Write the files of a framework `key` that begins as `like`; returns their paths.

    They go into this repository, or into a folder of one's own for ROSETTA_FRAMEWORKS. Raises
    UsageError for a key that cannot be one, and where a file exists already.
    """
    if not KEY.fullmatch(key):
        raise UsageError(f"'{key}': a key has letters, digits, '_' and '-' only")
    if like.tuned:
        raise UsageError(f"--like {like.key}: a tuned notebook is no start")
    root = folder or REGISTRY
    notebooks = folder / "notebooks" if folder else NOTEBOOKS
    environment = root / "environments" / key.lower()
    entry = root / "frameworks" / f"{key}.toml"
    copies = {
        notebooks / f"{key}_{model}.ipynb": like.notebook(model)
        for model in like.models
    }
    taken = [path for path in (entry, environment, *copies) if path.exists()]
    if taken or key in registry.frameworks():
        there = taken[0] if taken else f"a framework {key}"
        raise UsageError(f"there is {there} already")
    shutil.copytree(like.environment.folder, environment)
    write_text(entry, entry_text(key, like))
    for path, original in copies.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, notebook_text(key, like, original))
    return [entry, environment, *copies]


def entry_text(key: str, like: Framework) -> str:
    """The entry of `like` as one of `key`: its conventions, none of its mistakes and addresses."""
    path = like.root / "frameworks" / f"{like.key}.toml"
    text = path.read_text(encoding="utf-8").partition("[[mistakes]]")[0]
    text = re.sub(r"^\[documentation\]\n(?:.+\n)*\n?", "", text, flags=re.M)
    for name in OWN:
        text = re.sub(rf"^{name} = .*\n", "", text, flags=re.M)
    said = {"label": key, "environment": key.lower(), "release": "?", "upstream": "?"}
    said |= {"state": "living"}
    for name, value in said.items():
        text = re.sub(rf"^{name} = .*$", f'{name} = "{value}"', text, flags=re.M)
    return text.rstrip() + "\n"


def notebook_text(key: str, like: Framework, path: Path) -> str:
    """The notebook with the new key as its FRAMEWORK and in its title, without outputs."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    spec = notebook["metadata"]["kernelspec"]
    spec.update(name=f"{PREFIX}{key.lower()}", display_name=f"{key} (Rosetta)")
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags", [])
        if tags == ["title"]:
            first = cell["source"][0]
            cell["source"][0] = re.sub(r" – [^\n]*", f" – {key}", first)
        if tags == ["parameters"]:
            old = f'"{like.notebooks or like.key}"'
            cell["source"] = [
                line.replace(old, f'"{key}"') if line.startswith("FRAMEWORK") else line
                for line in cell["source"]
            ]
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
