"""Downloads that resume and arrive whole or not at all, from servers that are not trusted."""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.client import HTTPException, HTTPResponse
from typing import Any, Callable, Iterator, Optional

from common.files import CHUNK, DataError, PathLike, digest
from common.output import echo, one_line

ATTEMPTS = 4
TIMEOUT = 20  # seconds without a byte
# called with the address, how many bytes there are, and how many there will be, None if unknown
Report = Callable[[str, int, Optional[int]], None]


def download(
    url: str,
    path: PathLike,
    checksum: str,
    limit: int,
    report: Optional[Report] = None,
) -> None:
    """Fetch `url` to `path`, which appears only once its SHA-256 has been verified.

    No more than `limit` bytes are accepted. What had arrived before an interruption is kept beside
    the file as `path`.part and continued; of several processes that ask for the same file one
    fetches it and the others wait.
    Raises DataError, with the cause, if the file cannot be had or is not the expected one.
    """
    path = str(path)
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with _part(path) as part:
            if not os.path.exists(path) or digest(path, "sha256") != checksum:
                _download(url, part, checksum, limit, report or _show_progress)
                os.replace(part, path)
    except OSError as error:
        raise _cannot_write(path, error)


# Files of our own


@contextlib.contextmanager
def _part(path: str) -> Iterator[str]:
    """The name under which this process alone downloads, until it is done.

    On a file system without locks that is a name that no other process uses; what is left under
    it is removed, as nobody could continue it.
    """
    name = path + ".lock"
    lock, part = _locked(name), path + ".part"
    if lock is None:
        part = "{}.{}.part".format(path, uuid.uuid4().hex)
    try:
        yield part
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)
        if lock is None:
            with contextlib.suppress(OSError):
                os.unlink(part)
        else:
            os.close(lock)


def _locked(name: str) -> Optional[int]:
    """The lock file, open and locked; None, and said so, where the file system has no locks."""
    while True:
        lock = _open(name)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            os.close(lock)
            text = "no lock for {} ({}): do not start another download of it"
            echo(text.format(name[: -len(".lock")], error.strerror), sys.stderr)
            return None
        if _is_at(name, lock):
            return lock
        os.close(lock)  # who had it before has removed it


def _is_at(name: str, handle: int) -> bool:
    """Whether the open file is the one that has this name now."""
    try:
        return os.path.samestat(os.lstat(name), os.fstat(handle))
    except FileNotFoundError:
        return False


def _open(name: str) -> int:
    """Open a file for writing, and make it if need be; DataError where it is a link or a device."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(name, flags, 0o666)
    except OSError as error:
        if os.path.islink(name):
            raise DataError("cannot write {}: it is a symbolic link".format(name))
        raise _cannot_write(name, error)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise DataError("cannot write {}: it is not a regular file".format(name))
    return handle


def _size(part: str) -> int:
    """How many bytes have arrived before."""
    if not os.path.lexists(part):
        return 0
    handle = _open(part)
    try:
        return os.fstat(handle).st_size
    finally:
        os.close(handle)


def _write(handle: int, chunk: bytes, part: str) -> None:
    try:
        while chunk:
            chunk = chunk[os.write(handle, chunk) :]
    except OSError as error:
        raise _cannot_write(part, error)


def _check_space(part: str, needed: int) -> None:
    """DataError if the disk is too full, before it is filled."""
    free = shutil.disk_usage(os.path.dirname(part) or ".").free
    if free < needed:
        text = "{} ({:,} bytes are needed, {:,} are free)"
        text = text.format(os.strerror(errno.ENOSPC), needed, free)
        raise _cannot_write(part, OSError(errno.ENOSPC, text))


def _cannot_write(path: str, error: OSError) -> DataError:
    return DataError("cannot write {}: {}".format(path, error.strerror or error))


# One download


def _download(url: str, part: str, checksum: str, limit: int, report: Report) -> None:
    """Complete and verify `part`, in several attempts."""
    for attempt in range(ATTEMPTS):
        try:
            _fetch(url, part, limit, report)
        except (OSError, HTTPException, ValueError) as error:
            if attempt + 1 == ATTEMPTS or _is_final(error):
                raise DataError(
                    "cannot download {}: {}".format(url, one_line(str(error)))
                )
            time.sleep(attempt)
            continue
        found = digest(part, "sha256")
        if found == checksum:
            return
        os.unlink(part)  # a corrupt file cannot be continued
    raise DataError(
        "{} has the sha256 {} where {} was expected; nothing of it was used".format(
            url, found, checksum
        )
    )


def _is_final(error: Exception) -> bool:
    """Whether asking again is pointless: no such file, or no network at all."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code < 500
    return isinstance(error, (urllib.error.URLError, ValueError))


def _fetch(url: str, part: str, limit: int, report: Report) -> None:
    """Append to `part` what is still missing of `url`; OSError if it ends early."""
    have = _size(part)
    if have > limit:
        os.unlink(part)
        have = 0
    try:
        response = _ask(url, have)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is missing, or it is not of this file
            return
        raise
    with contextlib.closing(response):
        if response.status != 206:  # the server starts again
            have = 0
        elif not _continues(response, have):
            os.unlink(part)
            raise OSError("the server sent another part than was asked for")
        total = _total(response, have)
        if total is not None and total > limit:
            _refuse(part, limit)
        _receive(url, response, part, have, total, limit, report)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https, and reads nothing that comes with them."""

    def redirect_request(
        self,
        request: Any,
        response: Any,
        code: int,
        message: str,
        headers: Any,
        url: str,
    ) -> Optional[urllib.request.Request]:
        _require_http(url)
        response.read = bytes  # the original reads it all, and it may have no end
        return super().redirect_request(request, response, code, message, headers, url)


def _require_http(url: str) -> None:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("{} is neither http nor https".format(url))


def _ask(url: str, have: int) -> HTTPResponse:
    """The answer to a request for what follows the first `have` bytes."""
    _require_http(url)
    headers = {"Range": "bytes={}-".format(have)} if have else {}
    request = urllib.request.Request(url, headers=headers)
    return urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT)


def _continues(response: HTTPResponse, have: int) -> bool:
    """Whether the answer begins where the part ends."""
    span = response.headers.get("Content-Range") or ""
    return span.strip().startswith("bytes {}-".format(have))


def _total(response: HTTPResponse, have: int) -> Optional[int]:
    """How long the whole file is; None if the server does not tell."""
    length = response.headers.get("Content-Length")
    if length is None:
        return None
    if not re.fullmatch("[0-9]{1,15}", length.strip()):
        raise ValueError("the server tells the length {!r}".format(length))
    return have + int(length)


def _refuse(part: str, limit: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part)
    raise ValueError("the server sends more than {:,} bytes".format(limit))


def _receive(
    url: str,
    response: HTTPResponse,
    part: str,
    have: int,
    total: Optional[int],
    limit: int,
    report: Report,
) -> None:
    """Write what follows the first `have` bytes; OSError if the connection ends early."""
    if total is not None:
        _check_space(part, total - have)
    with os.fdopen(_open(part), "r+b", buffering=0) as file:
        file.truncate(have)
        file.seek(have)
        while total is None or have < total:
            # unlike read, read1 keeps to its limit whatever length a chunk claims to have
            chunk = response.read1(CHUNK if total is None else min(CHUNK, total - have))
            if not chunk:
                break
            have += len(chunk)
            if have > limit:
                _refuse(part, limit)
            _write(file.fileno(), chunk, part)
            report(url, have, total)
    if total is not None and have < total:
        raise OSError("the connection ended after {} of {} bytes".format(have, total))


def _show_progress(url: str, have: int, total: Optional[int]) -> None:
    """One line that rewrites itself on a terminal; elsewhere only the end is printed."""
    name = url.rsplit("/", 1)[-1]
    done = "{:.0f} MB".format(have / 1e6) + (
        " of {:.0f} MB".format(total / 1e6) if total else ""
    )
    finished = have == total
    terminal = sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()
    if terminal:
        echo("\r{}: {}".format(name, done), sys.stderr, "\n" if finished else "")
    elif finished:
        echo("{}: {}".format(name, done), sys.stderr)
