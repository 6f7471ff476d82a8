import errno
import hashlib
import os
import sys
import threading

import pytest

from common import downloads
from common.downloads import download
from common.files import DataError


@pytest.fixture(autouse=True)
def naps(monkeypatch):
    """The waits between attempts, which tests do not sit through."""
    waited = []
    monkeypatch.setattr(downloads.time, "sleep", waited.append)
    return waited


@pytest.fixture
def target(tmp_path):
    return tmp_path / "folder" / "file.bin"


@pytest.fixture
def fetch(server, target):
    """Download what the server has to `target`, or something that is not it."""
    expected = hashlib.sha256(server.content).hexdigest()
    limit = len(server.content) + 1000
    return lambda **options: download(server.url, target, expected, limit, **options)


def part_of(target):
    return target.with_name(target.name + ".part")


def test_download_brings_the_whole_file(server, fetch, target):
    fetch()
    assert target.read_bytes() == server.content
    assert os.listdir(str(target.parent)) == ["file.bin"]
    assert server.ranges == [None]


def test_the_file_appears_only_when_it_is_complete(server, fetch, target, monkeypatch):
    monkeypatch.setattr(downloads, "CHUNK", 1000)
    progress = []

    def report(url, have, total):
        assert not target.exists()
        progress.append((url, have, total))

    fetch(report=report)
    size = len(server.content)
    assert len(progress) > 1 and progress[0][1] <= 1000
    assert progress[-1] == (server.url, size, size)


def test_two_that_want_the_same_file_fetch_it_once(server, fetch, target, monkeypatch):
    monkeypatch.setattr(downloads, "CHUNK", 1000)
    other = threading.Thread(target=fetch)

    def report(url, have, total):
        if other.ident is None:
            other.start()

    fetch(report=report)
    other.join()
    assert target.read_bytes() == server.content
    assert server.ranges == [None]


def test_a_broken_connection_is_resumed(server, fetch, target):
    server.faults = [{"cut": 1000}, {"cut": 500}]
    fetch()
    assert target.read_bytes() == server.content
    assert server.ranges == [None, "bytes=1000-", "bytes=1500-"]


def test_a_broken_connection_of_unknown_length_is_resumed(server, fetch, target):
    server.faults = [{"cut": 1000, "chunked": True}]
    fetch()
    assert target.read_bytes() == server.content


def test_an_earlier_download_is_continued(server, fetch, target):
    target.parent.mkdir()
    part_of(target).write_bytes(server.content[:2000])
    fetch()
    assert target.read_bytes() == server.content
    assert server.ranges == ["bytes=2000-"]


def test_a_complete_part_is_not_fetched_again(server, fetch, target):
    target.parent.mkdir()
    part_of(target).write_bytes(server.content)
    fetch()
    assert target.read_bytes() == server.content
    assert len(server.ranges) == 1


def test_a_part_of_another_file_is_fetched_anew(server, fetch, target):
    target.parent.mkdir()
    part_of(target).write_bytes(b"from an older edition")
    fetch()
    assert target.read_bytes() == server.content
    assert server.ranges == ["bytes=21-", None]


def test_a_server_without_range_begins_anew(server, fetch, target):
    server.resumes = False
    server.faults = [{"cut": 1000}]
    fetch()
    assert target.read_bytes() == server.content
    assert server.ranges == [None, "bytes=1000-"]


def test_a_corrupt_file_is_rejected_and_removed(server, fetch, target):
    target.parent.mkdir()
    target.write_bytes(b"an old file")
    server.content = b"X" + server.content[1:]
    with pytest.raises(DataError) as error:
        fetch()
    assert hashlib.sha256(server.content).hexdigest() in str(error.value)
    assert server.url in str(error.value)
    assert target.read_bytes() == b"an old file"
    assert os.listdir(str(target.parent)) == ["file.bin"]


def test_a_missing_file_fails_at_once(server, fetch, target, naps):
    server.faults = [{"status": 404}]
    with pytest.raises(DataError) as error:
        fetch()
    assert server.url in str(error.value) and "404" in str(error.value)
    assert len(server.ranges) == 1 and not naps
    assert not target.exists()


def test_a_busy_server_is_asked_again_later(server, fetch, target, naps):
    server.faults = [{"status": 503}, {"status": 503}]
    fetch()
    assert target.read_bytes() == server.content
    assert len(naps) == 2 and naps[1] > 0


def test_gives_up_in_the_end_but_keeps_what_arrived(server, fetch, target):
    server.faults = [{"cut": 10} for _ in range(100)]
    with pytest.raises(DataError, match="cannot download"):
        fetch()
    attempts = len(server.ranges)
    assert 1 < attempts < 10
    assert part_of(target).read_bytes() == server.content[: 10 * attempts]


def test_no_network_is_a_data_error(server, fetch, naps):
    server.stop()
    with pytest.raises(DataError, match=r"127\.0\.0\.1"):
        fetch()
    assert not naps


def test_a_folder_that_cannot_be_made_is_a_data_error(server, fetch, target):
    target.parent.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="folder"):
        fetch()


# Servers that do not keep to the rules


@pytest.fixture
def refused(fetch):
    """Download what cannot be had; return why, which is one line."""

    def why():
        with pytest.raises(DataError) as error:
            fetch()
        message = str(error.value)
        assert message.isprintable() and len(message) < 600
        return message

    return why


ENDLESS = {"endless": True, "headers": {"Content-Length": None}}


@pytest.mark.parametrize(
    "fault",
    [
        ENDLESS,
        {"endless": True, "chunked": True, "length": "7fffffff"},
    ],
)
def test_an_endless_answer_is_cut_off(server, refused, target, fault):
    server.faults = [fault]
    assert "sends more than 6,120 bytes" in refused()
    assert server.sent < server.ENOUGH and len(server.ranges) == 1
    assert os.listdir(str(target.parent)) == []


def test_a_chunk_of_less_than_nothing_has_no_end(server, refused):
    server.faults = [{"endless": True, "chunked": True, "length": "-1"}]
    assert "cannot download" in refused()
    assert server.sent < server.ENOUGH and len(server.ranges) == 1


def test_an_endless_rest_is_cut_off(server, refused, target):
    server.faults = [{"cut": 1000}, ENDLESS]
    assert "sends more than" in refused()
    assert server.sent < server.ENOUGH and len(server.ranges) == 2
    assert os.listdir(str(target.parent)) == []


def test_a_part_that_is_too_long_is_fetched_anew(server, fetch, target):
    target.parent.mkdir()
    part_of(target).write_bytes(bytes(10000))
    fetch()
    assert target.read_bytes() == server.content
    assert server.ranges == [None]


def test_what_comes_with_a_redirect_is_not_read(server, fetch, target):
    server.faults = [{"redirect": "/other", "endless": True}]
    fetch()
    assert target.read_bytes() == server.content
    assert server.sent < server.ENOUGH


@pytest.mark.parametrize(
    "length",
    ["many", "-5", "", "5e3", "+5120", "5_120", "5120, 5120", "\xb2", "9" * 5000],
)
def test_a_length_that_is_no_number_is_told(server, refused, length):
    server.faults = [{"headers": {"Content-Length": length}}]
    assert "the server tells the length" in refused()
    assert len(server.ranges) == 1


def test_a_length_above_the_limit_is_refused_before_anything_is_written(
    server, refused, target
):
    server.faults = [{"headers": {"Content-Length": "99999999999"}}]
    assert "sends more than 6,120 bytes" in refused()
    assert os.listdir(str(target.parent)) == []


def test_a_length_that_is_too_long_is_not_believed_for_ever(server, fetch, target):
    server.faults = [{"headers": {"Content-Length": "5200"}}]
    fetch()
    assert target.read_bytes() == server.content


def test_a_length_that_is_too_short_gives_another_file(server, refused, target):
    server.faults = [{"headers": {"Content-Length": "5000"}}] * 4
    assert "nothing of it was used" in refused()
    assert os.listdir(str(target.parent)) == []


@pytest.mark.parametrize(
    "told", [None, "bytes 0-5119/5120", "bytes 10000-5119/5120", "bytes", "pages 1000-"]
)
def test_an_answer_that_does_not_follow_the_part_is_fetched_anew(
    server, fetch, target, told
):
    target.parent.mkdir()
    part_of(target).write_bytes(server.content[:1000])
    server.faults = [{"headers": {"Content-Range": told}}]
    fetch()
    assert target.read_bytes() == server.content
    assert server.ranges == ["bytes=1000-", None]


def test_a_range_that_was_never_asked_for_is_no_error_of_ours(server, refused):
    server.faults = [{"status": 416}]
    assert "416" in refused()


def test_a_redirect_to_another_address_is_followed(server, fetch, target):
    server.faults = [{"redirect": server.url + ".other"}]
    fetch()
    assert target.read_bytes() == server.content


@pytest.mark.parametrize(
    "address, why",
    [
        ("file:///etc/passwd", "not allowed"),
        ("ftp://127.0.0.1/file.bin", "neither http nor https"),
        ("data:,file", "not allowed"),
        ("http://[", "Invalid IPv6 URL"),
    ],
)
def test_a_redirect_to_anything_else_is_refused(server, refused, address, why):
    server.faults = [{"redirect": address}]
    assert why in refused()
    assert len(server.ranges) == 1


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/etc/passwd"]
)
def test_only_http_is_asked(target, url):
    with pytest.raises(DataError, match="neither http nor https"):
        download(url, target, "", 1 << 20)


def test_what_the_server_says_of_an_error_is_made_one_line(server, refused):
    server.faults = [{"status": 404, "reason": "\x1b[31m not\there " + 5000 * "x"}]
    assert "404: ?[31m not here xxx" in refused()


# Links, locks and disks


@pytest.mark.parametrize("ending", [".lock", ".part"])
def test_links_are_not_followed(server, refused, target, tmp_path, ending):
    victim = tmp_path / "victim"
    victim.write_text("somebody's")
    target.parent.mkdir()
    link = target.with_name(target.name + ending)
    link.symlink_to(victim)
    assert refused() == "cannot write {}: it is a symbolic link".format(link)
    assert victim.read_text() == "somebody's" and not server.ranges


def test_a_link_to_a_file_that_is_not_there_makes_none(refused, target, tmp_path):
    target.parent.mkdir()
    part_of(target).symlink_to(tmp_path / "new")
    assert "it is a symbolic link" in refused()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("ending", [".lock", ".part"])
def test_a_pipe_is_not_waited_for(refused, target, ending):
    target.parent.mkdir()
    os.mkfifo(str(target) + ending)
    assert "it is not a regular file" in refused()


def test_a_link_in_the_place_of_the_file_is_replaced(server, fetch, target, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("somebody's")
    target.parent.mkdir()
    target.symlink_to(victim)
    fetch()
    assert victim.read_text() == "somebody's" and not target.is_symlink()
    assert target.read_bytes() == server.content


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_of_and_no_error(
    server, fetch, target, monkeypatch, capsys, code
):
    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(downloads.fcntl, "flock", flock)
    server.faults = [{"cut": 1000}]
    fetch()
    assert target.read_bytes() == server.content
    assert server.ranges == [None, "bytes=1000-"]
    assert "no lock for {} ({})".format(target, os.strerror(code)) in (
        capsys.readouterr().err
    )
    assert os.listdir(str(target.parent)) == ["file.bin"]


def test_without_locks_no_two_processes_write_one_file(
    server, fetch, target, monkeypatch
):
    def flock(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(downloads.fcntl, "flock", flock)
    target.parent.mkdir()
    part_of(target).write_bytes(b"of another process")
    server.faults = [{"status": 404}]
    with pytest.raises(DataError):
        fetch()
    assert os.listdir(str(target.parent)) == ["file.bin.part"]
    assert part_of(target).read_bytes() == b"of another process"


def test_a_lock_that_its_holder_has_removed_is_made_anew(fetch, target, monkeypatch):
    lock, real = str(target) + ".lock", downloads.fcntl.flock
    waits = []

    def flock(handle, kind):
        if not waits:  # as if one had waited until its holder was done
            os.unlink(lock)
        waits.append(handle)
        real(handle, kind)

    monkeypatch.setattr(downloads.fcntl, "flock", flock)
    fetch(report=lambda *_: waits.append(os.path.exists(lock)))
    assert len(waits) > 2 and all(waits)


def test_a_disk_with_too_little_space_is_reported_before_it_is_full(
    server, refused, target, small_disk, fill
):
    target.parent.mkdir()
    small_disk(target.parent)
    server.content = bytes(5120)
    fill(target.parent, 4)
    message = refused()
    assert "cannot write {}: No space left on device (5,120".format(
        part_of(target)
    ) in (message)
    assert os.listdir(str(target.parent)) == ["ballast"]


def test_a_disk_that_fills_up_is_reported(
    server, refused, target, small_disk, fill, naps
):
    target.parent.mkdir()
    small_disk(target.parent)
    fill(target.parent, 4)
    server.faults = [{"headers": {"Content-Length": None}}]
    message = "cannot write {}: No space left on device".format(part_of(target))
    assert refused() == message
    assert len(server.ranges) == 1 and not naps


def test_a_folder_that_cannot_be_written_to_is_reported(
    server, refused, target, small_disk
):
    target.parent.mkdir()
    small_disk(target.parent, "ro")
    message = refused()
    assert message == "cannot write {}.lock: Read-only file system".format(target)
    assert not server.ranges


def test_a_folder_in_the_place_of_the_file_is_reported(refused, target):
    target.mkdir(parents=True)
    assert refused() == "cannot write {}: Is a directory".format(target)


@pytest.mark.parametrize("stream", [None, "closed", "full"])
def test_progress_that_nobody_can_read_ends_no_download(
    server, fetch, target, monkeypatch, stream
):
    if stream is not None:
        stream = open({"closed": os.devnull, "full": "/dev/full"}[stream], "w")
        if stream.name == os.devnull:
            stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    fetch()
    assert target.read_bytes() == server.content
