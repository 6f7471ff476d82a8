"""Which checkout made a record: a random text, kept in .rosetta/, that says nothing about the machine,
and its commit.
"""

import contextlib
import functools
import subprocess
import uuid

from common.files import write_text
from support.basics.paths import PRIVATE, ROOT

FILE = PRIVATE / "installation"


@functools.cache
def own() -> str:
    """This checkout's text, made when first asked for; another one each time if it cannot be kept."""
    with contextlib.suppress(OSError, ValueError):
        found = FILE.read_text(encoding="utf-8").strip()
        if found:
            return found
    made = uuid.uuid4().hex[:16]
    with contextlib.suppress(OSError):
        write_text(FILE, made + "\n")
    return made


def commit() -> str:
    """The commit that was run; "+" after it if tracked files differ from it; "" if git cannot say."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git(
            "status", "--porcelain", "--untracked-files=no", "--", ".", ":!results"
        )
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
