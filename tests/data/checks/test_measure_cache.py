"""The cache of measurements saves reading, and never stops or spoils the measuring."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparrow.config import DataConfig
from sparrow.data.checks import measure, measure_cache
from sparrow.data.checks.measure import measure_photos
from sparrow.data.checks.run import check_dataset
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.ingest.versions import read_log, restore_version


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the photos that are read while measuring, in order."""
    names: list[str] = []

    def note(function: Callable[[Path], Any]) -> Callable[[Path], Any]:
        return lambda path: (names.append(path.name), function(path))[1]

    for module, name in ((measure, "read_photo_bytes"), (measure, "measure_photo")):
        monkeypatch.setattr(module, name, note(getattr(module, name)))
    return names


def age(folder: Path) -> None:
    """As if the photos had lain there for an hour: a new one is read again to be sure of it."""
    for path in folder.rglob("*.png"):
        then = path.stat().st_mtime_ns - 3600 * 10**9
        os.utime(path, ns=(then, then))


@contextmanager
def settled() -> Iterator[None]:
    """Files count as settled at once: their ctime cannot be put back."""
    before, measure_cache.SETTLED_NS = measure_cache.SETTLED_NS, -1
    try:
        yield
    finally:
        measure_cache.SETTLED_NS = before


def test_new_photos_do_not_have_the_others_read_again(
    config: DataConfig, photos: Any, new: Any, read: list[str]
) -> None:
    photos.write()
    new.write()
    age(photos.root)
    age(new.root)
    with settled():
        check_dataset(photos.root, config)
        read.clear()
        check_dataset(photos.root, config)
        assert read == []
        ingest_new(config)
        assert set(read) == {f"photo{n}.png" for n in (100, 101, 102, 103)}
        read.clear()
        check_dataset(photos.root, config)
        assert read == []  # neither the old ones, linked anew, nor the new ones, just copied
        first = read_log(photos.root)[0]["version"]
        restore_version(config, first)
        check_dataset(photos.root, config)
        assert read == []


def edit(path: Path) -> None:
    """Other bytes, the same size, and the modification time put back."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def exchange(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[::-1])
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [edit, exchange, os.utime, Path.touch])
def test_whatever_may_have_changed_is_read(
    config: DataConfig, photos: Any, new: Any, read: list[str], change: Callable[[Path], None]
) -> None:
    photos.write()
    new.write()
    age(photos.root)
    with settled():
        check_dataset(photos.root, config)
        ingest_new(config)
        read.clear()
        change(photos.root / "images" / "photo003.png")
        check_dataset(photos.root, config)
    assert set(read) == {"photo003.png"}


def photo(folder: Path) -> Path:
    folder.mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    return folder


def lock(cache: Path) -> sqlite3.Connection:
    """Held by another connection, as by another program."""
    other = sqlite3.connect(cache / "photos.sqlite", isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("INSERT INTO records VALUES ('x', 0, '')")
    return other


def test_a_locked_cache_is_kept_and_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    images, cache = photo(tmp_path / "images"), tmp_path / "cache"
    first = measure_photos(images, ["a.png"], cache)
    monkeypatch.setattr(measure_cache, "WAIT_S", 0.1)
    inode = (cache / "photos.sqlite").stat().st_ino
    for attempt in range(2):
        other = lock(cache)
        assert measure_photos(images, ["a.png"], cache).equals(first)
        # A command opens it several times, and says it once.
        assert caplog.text.count("database is locked") == (attempt == 0)
        assert caplog.text.count("going on without it") == (attempt == 0)
        caplog.clear()
        other.rollback()
        other.close()
    assert (cache / "photos.sqlite").stat().st_ino == inode
    assert measure_photos(images, ["a.png"], cache).equals(first)
    assert caplog.text == ""


@contextmanager
def no_room(cache: Path) -> Iterator[None]:
    """No file can grow: what a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def a_file_in_its_place(cache: Path) -> Iterator[None]:
    cache.write_text("no folder")
    yield


@contextmanager
def a_folder_as_database(cache: Path) -> Iterator[None]:
    (cache / "photos.sqlite").mkdir(parents=True)
    yield


@contextmanager
def a_full_device(cache: Path) -> Iterator[None]:
    cache.mkdir()
    (cache / "photos.sqlite").symlink_to("/dev/full")
    yield


@pytest.mark.parametrize(
    "trouble", [no_room, a_file_in_its_place, a_folder_as_database, a_full_device]
)
def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, caplog: Any, trouble: Any
) -> None:
    images, cache = photo(tmp_path / "images"), tmp_path / "cache"
    expected = measure_photos(images, ["a.png"], tmp_path / "other")
    with trouble(cache):
        assert measure_photos(images, ["a.png"], cache).equals(expected)
    assert str(cache / "photos.sqlite") in caplog.text
    assert "going on without it" in caplog.text


DAMAGES = {
    "text": b"not a database, however long it is" * 99,
    "cut": None,
    "foreign": "CREATE TABLE files (a); CREATE TABLE records (b);",
    "no table": "CREATE TABLE other (a);",
    "record": "UPDATE records SET record = '{';",
    "other record": "UPDATE records SET record = '{\"width\": 3}';",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_is_made_anew(tmp_path: Path, caplog: Any, damage: str) -> None:
    images, cache = photo(tmp_path / "images"), tmp_path / "cache"
    first = measure_photos(images, ["a.png"], cache)
    file, how = cache / "photos.sqlite", DAMAGES[damage]
    if how is None:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
    elif isinstance(how, bytes):
        file.write_bytes(how)
    else:
        if damage in ("foreign", "no table"):
            file.unlink()
        with sqlite3.connect(file) as database:
            database.executescript(how)
        database.close()
    for _ in range(2):
        assert measure_photos(images, ["a.png"], cache).equals(first)
    assert caplog.text == ""
