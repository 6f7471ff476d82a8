"""Locks between processes, as files. One process at a time holds a lock; the others wait."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Say = Callable[[str], None]


def shared_folder() -> Path:
    """A folder for locks that all checkouts of this user share, whatever TMPDIR says.

    It belongs to this user alone, so that nobody else can put a link in the place of a lock.
    Raises OSError where somebody else has a folder of that name.
    """
    common = Path("/tmp" if os.path.isdir("/tmp") else os.path.expanduser("~"))
    # tests have locks of their own, so that they wait for nobody
    folder = Path(
        os.environ.get("ROSETTA_LOCKS", common / f"rosetta-locks-{os.getuid()}")
    )
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise OSError(f"{folder} belongs to somebody else")
    return folder


@contextlib.contextmanager
def held(path: Path, say: Say, what: str = "") -> Iterator[None]:
    """Hold the lock. While another process does: says once whose it is, and waits.

    A file system without locks is reported, and work goes on without one.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(
                f"Waiting for {what or path.name}: {_holder(path)} has it (Ctrl-C ends)."
            )
            lock.acquire()
    except OSError as error:
        reason = error.strerror or error
        say(f"No lock for {what or path.name} ({reason}): do not start another run.")
        yield
        return
    try:
        with contextlib.suppress(OSError):
            since = time.strftime("%H:%M")
            _note(path).write_text(f"process {os.getpid()}, since {since},")
        yield
    finally:
        with contextlib.suppress(OSError):
            _note(path).unlink()
        lock.release()


def is_free(path: Path, unknown: bool = True) -> bool:
    """Whether no process holds the lock now; `unknown` is the answer where nobody can tell."""
    from filelock import FileLock, Timeout

    if not path.exists():
        return True
    try:
        with FileLock(path).acquire(timeout=0):
            return True
    except Timeout:
        return False
    except OSError:
        return unknown


def taken(path: Path, stack: contextlib.ExitStack) -> bool:
    """Whether the lock could be taken without waiting; the stack gives it back. Raises OSError."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    stack.callback(lock.release)
    return True


def remove(path: Path) -> None:
    """Remove the files of a lock that nobody holds or waits for."""
    path.unlink(missing_ok=True)
    _note(path).unlink(missing_ok=True)


def _note(path: Path) -> Path:
    return path.with_name(path.name + ".holder")


def _holder(path: Path) -> str:
    try:
        return _note(path).read_text() or "another process"
    except OSError:
        return "another process"
