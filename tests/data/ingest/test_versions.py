"""Restoring: sets with the same photo twice, lost and damaged photos, damaged history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.ingest.versions import read_log, read_version, restore_version
from sparrow.data.tables import data_version


def version(config: DataConfig) -> str:
    return data_version(check_dataset(Path(config.root), config).dataset)


@pytest.mark.parametrize("twins", [(1, 4), (0, 1, 2), (0, 5, 2, 3)])
def test_a_set_with_the_same_file_twice_is_restored_any_number_of_times(
    config: DataConfig, photos: Any, new: Any, twins: tuple[int, ...]
) -> None:
    names = [f"photo00{number}.png" for number in twins]
    for name in names[1:]:
        photos.pictures[name] = photos.pictures[names[0]]
    photos.write()
    new.pictures["photo100.png"] = new.pictures["photo103.png"]  # one box each
    new.write()
    second = ingest_new(config).data_version
    first = read_log(photos.root)[0]["version"]
    for _ in range(2):
        for wanted, n in ((first, 6), (second, 10)):
            assert restore_version(config, wanted) == wanted
            assert version(config) == wanted
            files = list((photos.root / "images").iterdir())
            assert len(files) == n
            # Two names are never one file: a change of one would be a change of the other.
            assert len({path.stat().st_ino for path in files}) == n


def with_two_versions(config: DataConfig, photos: Any, new: Any) -> tuple[str, str]:
    """The set is back at its first version; the photos of the second lie in the history."""
    photos.write()
    new.write()
    second = str(ingest_new(config).data_version)
    first = str(read_log(photos.root)[0]["version"])
    restore_version(config, first)
    return first, second


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (Path.unlink, "is lost"),
        (flip, "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (make_folder, "is lost .*this is a folder"),
    ],
)
def test_a_photo_of_the_history_is_checked_before_it_comes_back(
    config: DataConfig, photos: Any, new: Any, change: Callable[[Path], Any], says: str
) -> None:
    first, second = with_two_versions(config, photos, new)
    change(min((photos.root / "history" / "photos").iterdir()))
    with pytest.raises(DataError, match=f"(?s)photo10.*{says}"):
        restore_version(config, second)
    assert version(config) == first


@pytest.mark.parametrize("ending", ["images.parquet", "boxes.parquet"])
@pytest.mark.parametrize("content", [None, b"", b"no table", b"PAR1" * 9])
def test_a_damaged_history_is_said(
    config: DataConfig, photos: Any, new: Any, ending: str, content: bytes | None
) -> None:
    photos.write()
    wanted = str(ingest_new(config).data_version)
    table = photos.root / "history" / f"{wanted}.{ending}"
    if content is None:
        make_folder(table)
    else:
        table.write_bytes(content)
    with pytest.raises(DataError, match="table of an earlier version cannot be read"):
        read_version(photos.root, wanted)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"version": "a"}\n]'])
def test_a_damaged_log_is_said(config: DataConfig, photos: Any, content: bytes) -> None:
    log = photos.write() / "history" / "log.jsonl"
    log.parent.mkdir()
    log.write_bytes(content)
    with pytest.raises(DataError, match="not a log of versions"):
        read_log(photos.root)
