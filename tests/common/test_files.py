import hashlib
import json
import os
import threading

import pytest

from common import files
from common.files import DataError, atomic, digest, download, write_json, write_text


@pytest.fixture(autouse=True)
def naps(monkeypatch):
    """The waits between attempts, which tests do not sit through."""
    waited = []
    monkeypatch.setattr(files.time, "sleep", waited.append)
    return waited


@pytest.fixture
def target(tmp_path):
    return tmp_path / "folder" / "file.bin"


@pytest.fixture
def fetch(server, target):
    """Download what the server has to `target`, or something that is not it."""
    expected = hashlib.sha256(server.content).hexdigest()
    return lambda **options: download(server.url, target, expected, **options)


def part_of(target):
    return target.with_name(target.name + ".part")


# Writing


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(target, interruption):
    target.parent.mkdir()
    target.write_bytes(b"old\x00bytes")
    with pytest.raises(interruption), atomic(target) as file:
        file.write(b"half of the new")
        raise interruption
    assert target.read_bytes() == b"old\x00bytes"
    assert os.listdir(str(target.parent)) == ["file.bin"]


def test_the_old_file_stands_until_the_new_one_is_complete(target):
    target.parent.mkdir()
    target.write_bytes(b"old")
    with atomic(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert os.listdir(str(target.parent)) == ["file.bin"]


def test_written_files_are_utf8_make_their_folder_and_can_be_read_by_all(tmp_path):
    path = tmp_path / "new" / "folder" / "text"
    write_text(path, "3×3 – ε\n")
    assert path.read_bytes() == b"3\xc3\x973 \xe2\x80\x93 \xce\xb5\n"
    assert path.stat().st_mode & 0o777 == 0o644


def test_json_keeps_order_and_refuses_what_json_cannot_say(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"b": "µ", "a": [1, None]})
    before = path.read_bytes()
    assert list(json.loads(before.decode("utf-8")).items()) == [
        ("b", "µ"),
        ("a", [1, None]),
    ]
    for value in (float("nan"), object()):
        with pytest.raises((ValueError, TypeError)):
            write_json(path, {"accuracy": value})
    assert path.read_bytes() == before


def test_digest_covers_every_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 2)
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert digest(path, "md5") == "900150983cd24fb0d6963f7d28e17f72"


# Downloading


def test_download_brings_the_whole_file(server, fetch, target):
    fetch()
    assert target.read_bytes() == server.content
    assert os.listdir(str(target.parent)) == ["file.bin"]
    assert server.ranges == [None]


def test_the_file_appears_only_when_it_is_complete(server, fetch, target, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 1000)
    progress = []

    def report(url, have, total):
        assert not target.exists()
        progress.append((url, have, total))

    fetch(report=report)
    size = len(server.content)
    assert progress[0] == (server.url, 1000, size)
    assert progress[-1] == (server.url, size, size)


def test_two_that_want_the_same_file_fetch_it_once(server, fetch, target, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 1000)
    other = threading.Thread(target=fetch)

    def report(url, have, total):
        if have == 1000:
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


def test_a_disk_with_too_little_space_is_reported_before_it_is_full(
    server, fetch, target, monkeypatch
):
    class Usage:
        free = 1000

    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(DataError, match="disk full"):
        fetch()
    assert len(server.ranges) == 1
    assert not target.exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_disk_that_fills_up_is_reported(server, fetch, target):
    target.parent.mkdir()
    part_of(target).symlink_to("/dev/full")
    with pytest.raises(DataError, match="disk full"):
        fetch()
    assert len(server.ranges) == 1
