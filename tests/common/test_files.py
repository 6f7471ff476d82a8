import json
import os

import pytest

from common import files
from common.files import atomic, digest, write_json, write_text


@pytest.fixture
def target(tmp_path):
    return tmp_path / "folder" / "file.bin"


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
