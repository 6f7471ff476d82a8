"""Find the Python that an environment needs, or have uv or conda install it."""

import functools
import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.basics import locks
from support.basics.errors import NotPossible
from support.basics.paths import PYTHONS

UV_OLDEST, UV_NEWEST = (3, 8), (3, 14)  # the CPythons that uv offers for download


def find(version: str, uv: str) -> str:
    """The path of a Python `version` ("3.11"): found on the machine, else installed privately.

    Looks at this very Python, pyenv, the PATH, uv's and conda's; then asks uv, then conda, to
    install one under .rosetta/pythons. One without C headers, as Debian's is without python3-dev,
    is the last choice: the code that torch.compile, Triton and Theano generate needs them.
    Raises NotPossible, saying what would provide one.
    """
    path = installed(version)
    if not path:
        # other environments, which may need the same, may be made at the same time
        with locks.held(PYTHONS.with_name("pythons.lock"), print, f"Python {version}"):
            installed.cache_clear()
            path = (
                installed(version)
                or _from_uv(version, uv)
                or _from_conda(version)
                or installed(version, headers=False)
            )
    if path:
        return path
    raise NotPossible(
        f"needs Python {version}, which is neither installed (PATH, pyenv, uv, conda) nor "
        "could be installed by uv or conda",
        f"pyenv install {version}, or install conda or mamba and run the same command again",
        lacking=True,
    )


@functools.lru_cache
def installed(version: str, headers: bool = True) -> str | None:
    """The path of an installed Python of that version, or None; starts each candidate to ask it.

    `headers`: only one with the headers that C extensions are compiled with.
    """
    fit = (path for path in _candidates(version) if _is(path, version, headers))
    return next(fit, None)


def obtainable(version: str) -> bool:
    """A quick guess, without starting anything, whether `find` will succeed."""
    if any(Path(path).exists() for path in _candidates(version)) or _conda():
        return True
    return is_downloadable(version)


def is_downloadable(version: str) -> bool:
    """Whether uv offers it; of versions to come nobody knows."""
    return UV_OLDEST <= tuple(map(int, version.split("."))) <= UV_NEWEST


def _candidates(version: str) -> Iterator[str]:
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == version:
        yield getattr(sys, "_base_executable", sys.executable)
    # a user without an entry in the passwd file, as in many containers, has no home
    home = Path(os.path.expanduser("~"))
    roots = [
        Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions",
        PYTHONS,
        home / ".local/share/uv/python",
    ]
    for root in roots:
        for pattern in (f"{version}*", f"cpython-{version}*", f"conda-{version}"):
            yield from sorted(
                glob.glob(str(root / pattern / "bin" / "python")), reverse=True
            )
    yield from filter(None, [shutil.which(f"python{version}")])


def _is(path: str, version: str, headers: bool) -> bool:
    """Whether it starts (a pyenv shim may not), is of that version and, if asked, has headers."""
    code = (
        "import os, sys, sysconfig; print('%d.%d' % sys.version_info[:2], "
        "os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')))"
    )
    try:
        answer = subprocess.run(
            [path, "-I", "-c", code], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return False
    found, _, has_headers = answer.stdout.strip().partition(" ")
    fits = found == version and (has_headers == "True" or not headers)
    return answer.returncode == 0 and fits


def _from_uv(version: str, uv: str) -> str | None:
    settings = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(PYTHONS)}
    if _succeeds([uv, "python", "install", "--no-bin", version], env=settings):
        installed.cache_clear()
        return installed(version)
    return None


def _conda() -> str | None:
    return next(filter(None, map(shutil.which, ("mamba", "micromamba", "conda"))), None)


def _from_conda(version: str) -> str | None:
    folder = PYTHONS / f"conda-{version}"
    conda = _conda()
    create = ["create", "--yes", "--prefix", str(folder), f"python={version}"]
    if conda and _succeeds([conda, *create]):
        return str(folder / "bin" / "python")
    return None


def _succeeds(command: list[str], env: dict[str, str] | None = None) -> bool:
    try:
        return subprocess.run(command, capture_output=True, env=env).returncode == 0
    except OSError:
        return False
