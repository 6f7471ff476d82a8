"""Make the environments that notebooks run in, from their pins, with uv; describe their kernels.

An environment that is complete carries a stamp with the digest of all it was made from, and is
used again until that changes. Kernels are registered under .rosetta alone.
"""

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

from common.files import write_json
from common.machine import mkl_cpu_type
from support import interpreters
from support.errors import NotPossible
from support.paths import ENVIRONMENTS, KERNELS, PINS, ROOT

# What Jupyter calls each language of the registry.
JUPYTER_LANGUAGES = {"Python": "python", "R": "R", "Julia": "julia"}
# How each language's kernel is started; the path of its connection file is appended.
KERNEL_COMMANDS = {
    "Python": ["{python}", "-m", "ipykernel_launcher", "-f"],
    "R": ["R", "--no-echo", "--no-save", "-e", "IRkernel::main()", "--args"],
    "Julia": [
        "julia",
        "--project={environment}/julia",
        "-e",
        'import IJulia; include(joinpath(dirname(pathof(IJulia)), "kernel.jl"))',
    ],
}

# uv has names of its own for pip's settings.
PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
}


def folder(environment, variant):
    return ENVIRONMENTS / f"{environment.name}-{variant}"


def python(environment, variant):
    """The path of the environment's Python."""
    return folder(environment, variant) / "bin" / "python"


def digest(environment, variant):
    """Changes with the pins, of other languages too, the interpreter and the finishing script."""
    parts = [environment.python.encode(), environment.pins(variant).read_bytes()]
    others = sorted(PINS.glob(f"{environment.name}.*.toml"))
    parts += [path.read_bytes() for path in others]
    if environment.finish:
        parts.append((PINS / environment.finish).read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def is_ready(environment, variant):
    """Whether the environment exists as its pins say."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        stamp = json.loads(_stamp(environment, variant).read_text())
        return stamp["digest"] == digest(environment, variant)
    return False


def needs(environment, variant):
    """In a few words, what stands between this machine and the environment; "" for nothing known."""
    if not environment.pins(variant).exists():
        return _no_pins(environment, variant)
    if is_ready(environment, variant):
        return ""
    quick_to_tell = environment.check and not shutil.which(environment.check[0])
    if quick_to_tell and lacks(environment):
        return lacks(environment)
    failure = _last_failure(environment, variant)
    if failure and not interpreters.obtainable(environment.python):
        return f"Python {environment.python}"
    return failure


def lacks(environment):
    """In words, what the machine itself lacks and nobody can provide here; "" if nothing."""
    provided = environment.debian and _may_install()
    if not environment.check or provided or _succeeds(environment.check):
        return ""
    return " and ".join(environment.needs)


def _last_failure(environment, variant):
    """Why the environment could not be made as its pins say; "" if that is not known."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        failure = json.loads(_failure(environment, variant).read_text())
        if failure["digest"] == digest(environment, variant):
            return failure["reason"]
    return ""


def prepare(environment, variant):
    """Make the environment unless it is ready. Raises NotPossible with reason and remedy."""
    if is_ready(environment, variant):
        return
    if not environment.pins(variant).exists():
        raise NotPossible(f"needs {_no_pins(environment, variant)}")
    stamp = _stamp(environment, variant)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    with locked(ENVIRONMENTS / f"{environment.name}-{variant}.lock"):
        if is_ready(environment, variant):  # another run has just made it
            return
        stamp.unlink(missing_ok=True)
        made_from = {"digest": digest(environment, variant)}
        failure = _failure(environment, variant)
        try:
            _make(environment, variant)
        except NotPossible as error:
            write_json(failure, {**made_from, "reason": error.reason})
            raise
        failure.unlink(missing_ok=True)
        write_json(stamp, made_from)


def _no_pins(environment, variant):
    why = environment.gpu if variant == "gpu" else environment.pins(variant).name
    return f"pins for {variant} ({why})"


def _stamp(environment, variant):
    return ENVIRONMENTS / f"{environment.name}-{variant}.json"


def _failure(environment, variant):
    return ENVIRONMENTS / f"{environment.name}-{variant}.failed.json"


@contextlib.contextmanager
def locked(path):
    """Hold the lock file; waits while another process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find_uv():
    """The path of uv, which is among the runner's own pins."""
    import uv

    return uv.find_uv_bin()


def _make(environment, variant):
    provide_system_packages(environment)
    uv, target = find_uv(), folder(environment, variant)
    interpreter = interpreters.find(environment.python, uv)
    _run([uv, "venv", "--quiet", "--clear", "--python", interpreter, str(target)])
    install = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python(environment, variant)),
    ]
    install += ["--requirements", str(environment.pins(variant).relative_to(ROOT))]
    index = environment.index.get(variant)
    try:
        _run(install)
    except NotPossible:
        if not index:
            raise
        _run([*install, "--index", index, "--index-strategy", "unsafe-best-match"])
    if environment.finish:
        finish = (PINS / environment.finish).relative_to(ROOT)
        _run([str(python(environment, variant)), str(finish)])


def provide_system_packages(environment):
    """See that the environment's check succeeds: on Debian, as root, by installing what it needs.

    Raises NotPossible with the command that someone with the right to do so can give.
    """
    if not environment.check or _succeeds(environment.check):
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends"]
    install += environment.debian
    if environment.debian and _may_install():
        with contextlib.suppress(NotPossible):  # old lists may do
            _run(["apt-get", "update"])
        _run(["env", "DEBIAN_FRONTEND=noninteractive", *install])
        if _succeeds(environment.check):
            return
    raise NotPossible(
        f"needs {' and '.join(environment.needs)}",
        f"on Debian or Ubuntu: sudo {shlex.join(install)}"
        if environment.debian
        else "",
    )


def _may_install():
    return shutil.which("apt-get") and os.geteuid() == 0


def _succeeds(command):
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def uv_settings():
    """The environment variables for uv: this process's, with pip's settings translated."""
    settings = dict(os.environ)
    links = settings.get("PIP_FIND_LINKS") or _pip_setting("find-links")
    if links:  # pip separates by spaces, uv by commas
        settings.setdefault("UV_FIND_LINKS", ",".join(links.split()))
    for pip, uv in PIP_TO_UV.items():
        if pip in settings:
            settings.setdefault(uv, settings[pip])
    return settings


@functools.lru_cache
def _pip_setting(name):
    """A value of pip's configuration files; "" if there is none, or no pip."""
    command = [sys.executable, "-m", "pip", "config", "get", f"global.{name}"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _run(command):
    """Run a step in the repository's root; NotPossible with the line that names the cause."""
    done = subprocess.run(
        command, cwd=ROOT, env=uv_settings(), capture_output=True, text=True
    )
    if done.returncode:
        raise NotPossible(_cause(done.stderr or done.stdout), shlex.join(command))


def _cause(output):
    """The telling line of a tool's error message: uv's first and last cause, or what says error."""
    lines = [line.strip() for line in output.strip().splitlines() if line.strip()]
    causes = [
        line.removeprefix("cause: ") for line in lines if line.startswith("cause: ")
    ]
    if causes:
        return ": ".join(dict.fromkeys([causes[0], causes[-1]]))[:400]
    telling = [
        line for line in lines if re.search("error|cannot|fail|space", line, re.I)
    ]
    return (telling or lines or ["no message"])[-1][:400]


def register_kernel(framework, variant, cores):
    """Write the kernel spec of the framework's environment; returns the kernel's name.

    The spec carries the framework's environment variables; Jupyter finds it by JUPYTER_PATH.
    """
    environment = framework.environment
    name = f"{framework.key}-{variant}".lower()
    values = {
        "cores": cores,
        "environment": folder(environment, variant),
        "python": python(environment, variant),
        "mkl_cpu_type": mkl_cpu_type(),
    }
    variables = {k: v.format(**values) for k, v in framework.variables.items()}
    start = [word.format(**values) for word in KERNEL_COMMANDS[framework.language]]
    spec = {
        "argv": [*start, "{connection_file}"],
        "display_name": framework.label,
        "language": JUPYTER_LANGUAGES[framework.language],
        "env": {name: value for name, value in variables.items() if value},
    }
    target = KERNELS / "kernels" / name
    target.mkdir(parents=True, exist_ok=True)
    write_json(target / "kernel.json", spec)
    return name


def lock(environment, variant):
    """Resolve the environment's .in file into its .txt, the pins."""
    if interpreters.is_downloadable(environment.python) and not environment.debian:
        scope = ["--universal"]
    else:  # what exists for one platform and one Python, whose wheels may be as old as it
        scope = ["--python-platform", "x86_64-unknown-linux-gnu"]
        # what must be built to tell its requirements may not build on a newer Python
        scope += ["--python", interpreters.find(environment.python, find_uv())]
    source = PINS / f"{environment.name}.{variant}.in"
    _lock(source, environment.pins(variant), environment.python, scope)


def lock_runner():
    """Resolve the runner's own requirements.in, with hashes, as pip will install them."""
    source = PINS.parent / "requirements.in"
    scope = ["--universal", "--generate-hashes", "--no-annotate"]
    _lock(source, source.with_suffix(".txt"), "3.10", scope)


def _lock(source, target, python_version, scope):
    command = [
        find_uv(),
        "pip",
        "compile",
        "--quiet",
        "--upgrade",
        "--no-header",
        *scope,
    ]
    command += ["--no-emit-index-url", "--no-emit-find-links"]
    command += ["--python-version", python_version, str(source.relative_to(ROOT))]
    _run([*command, "--output-file", str(target.relative_to(ROOT))])
