"""Files that arrive whole or not at all: atomic writing, checksums, downloads that resume."""

import contextlib
import errno
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request

ATTEMPTS = 4
TIMEOUT = 20  # seconds without a byte
CHUNK = 1 << 20


class DataError(Exception):
    """Data that cannot be had or cannot be trusted; the message says what to do about it."""


def digest(path, algorithm):
    """The file's checksum in hexadecimal; `algorithm` is one that hashlib knows."""
    checksum = hashlib.new(algorithm)
    with open(str(path), "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            checksum.update(chunk)
    return checksum.hexdigest()


@contextlib.contextmanager
def atomic(path):
    """Open a temporary neighbour of `path` for writing bytes; it becomes `path` only if all went well."""
    path = str(path)
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        prefix="." + os.path.basename(path) + ".", dir=folder
    )
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_text(path, text):
    """Write `text` atomically, as UTF-8."""
    with atomic(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path, value):
    """Write `value` atomically, in a form that a person can read and git can compare."""
    write_text(
        path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )


def download(url, path, checksum, algorithm="sha256", report=None):
    """Fetch `url` to `path`, which appears only once its checksum has been verified.

    What had arrived before an interruption is kept beside it as `path`.part and continued;
    of several processes that ask for the same file one fetches it and the others wait.
    Raises DataError, with the cause, if the file cannot be had or is not the expected one.
    """
    try:
        os.makedirs(os.path.dirname(str(path)) or ".", exist_ok=True)
        lock = open(str(path) + ".lock", "a")
    except OSError as error:
        raise DataError("cannot write to the folder of {}: {}".format(path, error))
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not os.path.exists(str(path)) or digest(path, algorithm) != checksum:
                _download(url, str(path), checksum, algorithm, report or _show_progress)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(lock.name)


def _download(url, path, checksum, algorithm, report):
    part = path + ".part"
    for attempt in range(ATTEMPTS):
        try:
            _fetch(url, part, report)
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise DataError(
                    "disk full while downloading {} to {}".format(url, path)
                )
            if attempt + 1 == ATTEMPTS or _is_final(error):
                raise DataError("cannot download {}: {}".format(url, error))
            time.sleep(attempt)
            continue
        found = digest(part, algorithm)
        if found == checksum:
            os.replace(part, path)
            return
        os.unlink(part)  # a corrupt file cannot be continued
    raise DataError(
        "{} has the {} {} where {} was expected; nothing of it was used".format(
            url, algorithm, found, checksum
        )
    )


def _is_final(error):
    """Whether asking again is pointless: no such file, or no network at all."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code < 500
    return isinstance(error, urllib.error.URLError)


def _fetch(url, part, report):
    """Append to `part` what is still missing of `url`; OSError if it ends early."""
    have = os.path.getsize(part) if os.path.exists(part) else 0
    request = urllib.request.Request(
        url, headers={"Range": "bytes={}-".format(have)} if have else {}
    )
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing, or the part is not of this file
            return
        raise
    with contextlib.closing(response):
        if response.status != 206:  # the server begins anew
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        if (
            total
            and shutil.disk_usage(os.path.dirname(part) or ".").free < total - have
        ):
            raise OSError(
                errno.ENOSPC, "no space for {} more bytes".format(total - have)
            )
        with open(part, "ab" if have else "wb") as file:
            for chunk in iter(lambda: response.read(CHUNK), b""):
                file.write(chunk)
                have += len(chunk)
                report(url, have, total)
        if total and have < total:
            raise OSError(
                "the connection ended after {} of {} bytes".format(have, total)
            )


def _show_progress(url, have, total):
    """One line that rewrites itself on a terminal; elsewhere only the end is told."""
    name = url.rsplit("/", 1)[-1]
    done = "{:.0f} MB".format(have / 1e6) + (
        " of {:.0f} MB".format(total / 1e6) if total else ""
    )
    finished = have == total
    if sys.stderr.isatty():
        sys.stderr.write("\r{}: {}{}".format(name, done, "\n" if finished else ""))
    elif finished:
        sys.stderr.write("{}: {}\n".format(name, done))
    sys.stderr.flush()
