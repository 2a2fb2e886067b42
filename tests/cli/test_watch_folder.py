"""When a file has arrived: known answers by a clock of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparrow.cli.watch_folder import Arrivals, Source, list_files


def test_an_empty_folder_has_no_file(tmp_path: Path) -> None:
    assert list_files(Source(tmp_path)).files == {}
    assert Arrivals(5).update({}, 0) == []


def test_a_folder_that_is_away_is_named_and_nothing_is_known_of_it(tmp_path: Path) -> None:
    listing = list_files(Source(tmp_path / "away"))
    assert listing.files == {}
    assert list(listing.unread) == [str(tmp_path / "away")]


@pytest.mark.parametrize(
    "name",
    [
        ".syncthing.a.jpg.tmp", "~syncthing~a.jpg.tmp", "a.jpg.part", ".a.jpg.Ab12Cd", "a.jpg.tmp",
        ".~tmp~/a.jpg", "a.jpg.filepart", "A.JPG.PART", ".in.a.jpg.", ".stversions/a.jpg",
        "@eaDir/a.jpg", "a.jpg.!sync", "counts.csv.1a2b3c4d.partial",
    ],
)  # fmt: skip
def test_names_of_files_that_are_being_written_are_left_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    (tmp_path / "cam" / "day").mkdir(parents=True)
    (tmp_path / "cam" / "day" / "a.jpg").touch()
    (tmp_path / "cam" / "again").symlink_to(tmp_path, target_is_directory=True)  # a circle
    assert list(list_files(Source(tmp_path)).files) == [str(tmp_path / "cam" / "day" / "a.jpg")]


def test_a_file_is_ready_when_it_did_not_change_for_long_enough() -> None:
    arrivals = Arrivals(5)
    assert arrivals.update({"a": [1, 0, 0]}, 0) == []
    assert arrivals.update({"a": [2, 0, 0]}, 4) == []  # it grew
    assert arrivals.update({"a": [2, 1, 0]}, 8) == []  # it was written again, to the same size
    assert arrivals.update({"a": [2, 1, 0]}, 12.9) == []
    assert arrivals.update({"a": [2, 1, 0]}, 13) == ["a"]
    arrivals.done("a")
    assert arrivals.update({"a": [2, 1, 0]}, 99) == []
    assert arrivals.waiting() == 0
    assert arrivals.update({"a": [3, 2, 0]}, 100) == []  # it changes after it was counted
    assert arrivals.update({"a": [3, 2, 0]}, 105) == ["a"]


def test_the_oldest_file_is_first_whatever_its_name() -> None:
    arrivals = Arrivals(0)
    assert arrivals.update({"a": [1, 30, 0], "b": [1, 10, 0], "c": [1, 20, 0]}, 0) == list("bca")


def test_a_file_that_is_put_off_is_ready_later_or_as_soon_as_it_changed() -> None:
    arrivals = Arrivals(1)
    arrivals.update({"a": [1, 0, 0]}, 0)
    arrivals.again("a", 50)
    assert arrivals.update({"a": [1, 0, 0]}, 49) == []
    assert arrivals.update({"a": [1, 0, 0]}, 50) == ["a"]
    assert arrivals.age("a", 50) == 50
    assert arrivals.update({"a": [2, 0, 0]}, 51) == []
    assert arrivals.update({"a": [2, 0, 0]}, 52) == ["a"]


def test_only_names_like_the_pattern_are_listed(tmp_path: Path) -> None:
    """Frigate writes a second picture of each event beside the snapshot."""
    for name in ("cam/a-1.jpg", "cam/a-1-clean.png", "thumbs/cam/a-1.webp", "cam/b-2.JPG"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = list_files(Source(tmp_path, frozenset({str(tmp_path / "cam" / "b-2.JPG")}), "*.jpg"))
    assert list(files.files) == [str(tmp_path / "cam" / "a-1.jpg")]
