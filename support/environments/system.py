"""Packages of the operating system: whether they are there, and on Debian, as root, their installation."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from support.basics import locks
from support.basics.errors import NotPossible
from support.environments import uv

# of the whole machine, as the packages are: apt-get does not wait for another one
LOCK = Path("/run/rosetta-system-packages.lock")


def lacks(needs: Sequence[str], check: Sequence[str], debian: Sequence[str]) -> str:
    """In words, what the machine lacks and nobody can provide here; "" if nothing."""
    if not check or (debian and _may_install()) or _succeeds(check):
        return ""
    return " and ".join(needs)


def provide(needs: Sequence[str], check: Sequence[str], debian: Sequence[str]) -> None:
    """See that the check succeeds: on Debian, as root, by installing the packages.

    Raises NotPossible with the command that someone with the right to do so can give.
    """
    if not check or _succeeds(check):
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *debian]
    if debian and _may_install():
        message = f"Installing Debian packages: {' '.join(debian)} (--no-system-packages declines)"
        print(message, file=sys.stderr, flush=True)
        with locks.held(LOCK, print, "system packages"):
            if _succeeds(check):  # another process has installed them meanwhile
                return
            with contextlib.suppress(NotPossible):  # old lists may do
                uv.run_step(["apt-get", "update"])
            uv.run_step(install, DEBIAN_FRONTEND="noninteractive")
        if _succeeds(check):
            return
    remedy = f"on Debian or Ubuntu: sudo {shlex.join(install)}" if debian else ""
    raise NotPossible(f"needs {' and '.join(needs)}", remedy, lacking=True)


def _may_install() -> bool:
    declined = os.environ.get("ROSETTA_SYSTEM_PACKAGES") == "no"
    return bool(shutil.which("apt-get")) and os.geteuid() == 0 and not declined


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False
