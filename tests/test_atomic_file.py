"""A file is written whole or not at all, and nothing is left beside it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from sparrow.atomic_file import atomic_file, sync, write_atomic


def test_a_new_file(tmp_path):
    write_atomic(tmp_path / "a.txt", "wäre")
    assert (tmp_path / "a.txt").read_bytes() == "wäre".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("content", ["", b"", "a\nb", b"\x00\xff"])
def test_it_takes_the_place_of_what_was_there(content, tmp_path):
    (tmp_path / "a").write_text("before")
    write_atomic(tmp_path / "a", content)
    expected = content.encode() if isinstance(content, str) else content
    assert (tmp_path / "a").read_bytes() == expected


def test_anybody_may_read_it_whom_the_umask_lets(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_an_error_leaves_all_as_it_was(tmp_path):
    path = tmp_path / "a"
    path.write_text("before")
    with suppress(KeyboardInterrupt), atomic_file(path) as partial:
        partial.write_text("half of")
        assert path.read_text() == "before"
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_is_taken(tmp_path):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        write_atomic(tmp_path / "folder", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "a", "text")


def test_a_name_as_long_as_names_may_be(tmp_path):
    path = tmp_path / ("ä" * 127)  # 254 of 255 bytes
    write_atomic(path, "text")
    assert path.read_text() == "text"


def test_writers_at_the_same_time_do_not_share_a_file(tmp_path):
    texts = [str(n) * 5000 for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda text: write_atomic(tmp_path / "a", text), texts * 20))
    assert (tmp_path / "a").read_text() in texts
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_brought_onto_the_disk_must_be_there(tmp_path):
    sync(tmp_path)  # a folder's names
    (tmp_path / "a").write_text("text")
    sync(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "b")
