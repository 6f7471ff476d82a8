"""Kernel specs for people: one for each framework, in a folder where Jupyter and editors look."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from common.files import write_json
from common.machine import cores
from support.basics.paths import ROOT
from support.environments import Pinned, kernels
from support.registry import Framework

PREFIX = "rosetta-"


def name(framework: Framework) -> str:
    """What its kernel spec is called; its notebooks name it."""
    return f"{PREFIX}{framework.key.lower()}"


def user_folder() -> Path:
    """Where the user's own Jupyter and editors look for kernel specs' folder."""
    return Path(jupyter_data_dir())


def install(
    frameworks: Iterable[Framework], device_kind: str, folder: Path
) -> list[str]:
    """Write the specs of these frameworks' kernels, whose environments must exist; returns names."""
    installed = []
    for framework in frameworks:
        environment = Pinned(framework.environment, device_kind)
        spec = kernels.register(
            folder, framework, environment, cores(), name=name(framework)
        )
        path = folder / "kernels" / spec / "kernel.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        content["display_name"] = f"{framework.label} (Rosetta)"
        content["metadata"] = {"rosetta": str(ROOT)}
        write_json(path, content)
        installed.append(spec)
    return installed


def remove(folder: Path) -> list[str]:
    """Remove the specs that this checkout installed there; returns their names."""
    removed = []
    for path in sorted((folder / "kernels").glob(f"{PREFIX}*/kernel.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            own = content["metadata"]["rosetta"] == str(ROOT)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if own:
            shutil.rmtree(path.parent)
            removed.append(path.parent.name)
    return removed
