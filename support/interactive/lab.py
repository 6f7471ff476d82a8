"""JupyterLab, from pins of its own, with the kernels of the frameworks."""

import os
from pathlib import Path

from support import registry
from support.basics.errors import UsageError
from support.basics.paths import KERNELS, ROOT
from support.environments import Pinned
from support.environments.base import Say
from support.interactive import specs
from support.registry import Framework
from support.registry.reading import environments

LAB = "jupyterlab"  # its environment


def find(name: str) -> tuple[Framework, Path]:
    """The framework and the notebook that a name means: PyTorch_CNN, or PyTorch for its first."""
    every = registry.frameworks()
    found = {}
    for framework in every.values():
        for model in reversed(framework.models):
            path = framework.notebook(model)
            found[framework.key] = found[f"{framework.key}_{model}"] = (framework, path)
            found.setdefault(path.stem, (framework, path))
    wanted = Path(name).name.removesuffix(".ipynb")
    by_case = {key.casefold(): value for key, value in found.items()}
    if wanted.casefold() not in by_case:
        near = ", ".join(registry.nearest(wanted, found)) or "one of --list"
        raise UsageError(f"unknown notebook '{name}': did you mean {near}?")
    return by_case[wanted.casefold()]


def command(
    framework: Framework | None, notebook: Path | None, device_kind: str, say: Say
) -> tuple[list[str], dict[str, str]]:
    """The command that starts JupyterLab, and its environment variables.

    Makes the environments of JupyterLab and of the framework; other frameworks get a kernel if
    theirs exists. Raises NotPossible.
    """
    lab = Pinned(environments()[LAB], "cpu")
    wanted = [lab]
    if framework:
        wanted.append(Pinned(framework.environment, device_kind))
    for environment in wanted:
        if not environment.is_ready:
            say(f"{environment.preparing} {environment.name}")
        environment.prepare(say)
    ready = [
        one
        for one in registry.frameworks().values()
        if Pinned(one.environment, device_kind).is_ready
    ]
    specs.install(ready, device_kind, KERNELS)
    words = [*lab.command, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    if notebook:
        words.append(str(notebook))
    variables = {**os.environ, "JUPYTER_PATH": str(KERNELS), "PYTHONNOUSERSITE": "1"}
    return words, {n: v for n, v in variables.items() if n != "PYTHONPATH"}
