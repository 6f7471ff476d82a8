"""Kernel specs: how Jupyter starts a framework's kernel in an environment."""

from pathlib import Path

from common.files import write_json
from common.machine import mkl_cpu_type, openblas_core_type
from support.environments.base import Environment
from support.registry import Framework

START_KERNEL = Path(__file__).with_name("start_kernel.py")


def register(
    folder: Path,
    framework: Framework,
    environment: Environment,
    cores: int,
    sharing: bool = False,
    name: str = "",
) -> str:
    """Write the kernel spec below `folder`, which JUPYTER_PATH must name; returns its name, by
    default that of the framework and the kind of environment.

    `cores` is how many processors the kernel may use, `sharing` whether others use its GPU too.
    The spec carries the framework's environment variables.
    """
    values = {
        "cores": str(cores),
        "environment": environment.folder,
        "caches": str(environment.caches),
        "python": environment.command[0],
        "mkl_cpu_type": mkl_cpu_type(),
        "openblas_core_type": openblas_core_type(),
        "start_kernel": str(START_KERNEL),
    }
    templates = {**framework.variables, **(framework.sharing if sharing else {})}
    variables = {name: text.format(**values) for name, text in templates.items()}
    start: list[str] = []
    for word in framework.language.kernel:
        start += environment.command if word == "{python}" else [word.format(**values)]
    name = name or f"{framework.key}-{environment.kind}".lower()
    spec = {
        "argv": [*start, "{connection_file}"],
        "display_name": framework.label,
        "language": framework.language.jupyter,
        "env": {
            **environment.kernel_variables(),
            **{name: value for name, value in variables.items() if value},
        },
    }
    write_json(folder / "kernels" / name / "kernel.json", spec)
    return name
