"""A tree of twenty kinds of files: each is counted or named, and the sums say so."""

from __future__ import annotations

import csv
import json
import math
import os
import re
from pathlib import Path
from typing import Any

import pytest
from counted_folder import copy_photos, count
from photo_tree import write_tree

from sparrow.cli import count_photos as command
from sparrow.cli.count_table import refuse_other_table
from sparrow.inference.model_folder import read_info
from sparrow.inference.object_size import smallest_object_px
from sparrow.inference.photo_files import find_photos


@pytest.fixture
def two(drawn_dataset: Path, tmp_path: Path) -> Path:
    """Two photos."""
    return copy_photos(drawn_dataset, tmp_path / "photos", "ab")


def test_every_file_of_twenty_kinds_is_counted_or_named(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "photos"
    numbers = write_tree(home, 40)  # of each kind two
    assert numbers == {"counted": 20, "skipped": 16, "damaged": 2, "system": 2}
    to = tmp_path / "counts.json"
    assert count(model_folder, home, "-r", "--to", to) == 3
    said = capsys.readouterr().err
    assert said.splitlines()[-1] == (
        "40 found: 20 counted, 2 could not be counted, 16 skipped, 2 of the system, ignored"
    )
    written = json.loads(to.read_text())
    named = [photo["file"] for photo in written["photos"]]
    assert sorted(photo["error"] or "" for photo in written["photos"])[-3:] == [
        "", "unreadable_photo", "unreadable_photo",
    ]  # fmt: skip
    named += [file["file"] for file in written["skipped"]]
    there = [path for path in home.rglob("*") if path.is_file() and path.name != "Thumbs.db"]
    assert sorted(named) == sorted(str(path.relative_to(home)) for path in there)
    for path in there:
        if path.suffix in (".MOV", ".CR2", ".pdf", ".xyz", ".jpeg"):
            assert f"  {path.relative_to(home)}: " in said


def test_what_failed_and_what_was_skipped_have_their_places_in_megadetectors_file(
    model_folder: Path, two: Path, tmp_path: Path
) -> None:
    (two / "c.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    (two / "broken.jpg").write_text("text")
    to = tmp_path / "md.json"
    (two / "c.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    assert count(model_folder, two, "--to", to, "--megadetector") == 3
    written = json.loads(to.read_text())
    failures = {Path(image["file"]).name: image.get("failure") for image in written["images"]}
    # The words of MegaDetector's own run_detector.py.
    assert failures == {"a.jpg": None, "b.jpg": None, "broken.jpg": "image access failure"}
    assert written["info"]["skipped_files"] == [{"file": "c.mp4", "reason": "a video"}]


def test_drawings_within_the_folder_are_never_counted(
    model_folder: Path, two: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert count(model_folder, two, "-r", "--annotated", two / "drawn") == 0
    assert capsys.readouterr().err.splitlines()[-1] == "2 found: 2 counted"
    assert len(list((two / "drawn").iterdir())) == 2
    (two.parent / "link").symlink_to(two, target_is_directory=True)
    monkeypatch.chdir(two / "drawn")
    for folder in (two, two.parent / "link", Path("..")):
        listing = find_photos([folder], recursive=True)
        assert [path.name for path in listing.photos] == ["a.jpg", "b.jpg"]
        assert len(listing.own) == 2


def test_a_table_of_other_photos_is_not_overwritten(
    model_folder: Path, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    to = tmp_path / "c.csv"
    assert count(model_folder, two, "--to", to) == 0
    before = to.read_bytes()
    monkeypatch.setattr(command, "count_file", lambda *_: pytest.fail("refused before any work"))
    assert count(model_folder, two / "a.jpg", "--to", to) == 1
    assert (
        "the counts of 2 photos, of which 1 are not among the 1 to be counted now, such as "
        "b.jpg; it would be overwritten; choose another --to"
    ) in capsys.readouterr().err
    assert to.read_bytes() == before
    assert not to.with_name("c.csv.journal").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", "file,count\np/a.jpg,1\np/b.jpg,2\n"),
        ("c.json", '{"photos": [{"file": "p/a.jpg"}, {"file": "p/b.jpg"}]}'),
        ("m.json", '{"images": [{"file": "p/a.jpg"}, {"file": "p/b.jpg"}]}'),
    ],
)
def test_photos_of_a_table_are_known_by_other_names_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path / "p")
    to, a, b, c = tmp_path / name, Path("a.jpg"), Path("b.jpg"), Path("c.jpg")
    refuse_other_table(to, [a, b])
    refuse_other_table(to, [tmp_path / "p" / "a.jpg", b, c])  # more than before
    for files in ([a], [a, c], [a, tmp_path / "q" / "b.jpg"]):
        with pytest.raises(ValueError, match=r"of which 1 are not .* such as p/b.jpg"):
            refuse_other_table(to, files)


@pytest.mark.parametrize("text", ["notes of a person", "a,b\n1,2\n", "\0\1", "[]", "{}"])
def test_what_is_no_table_of_counts_is_not_overwritten(tmp_path: Path, text: str) -> None:
    for name in ("notes.csv", "notes.json", "notes.parquet"):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match="is no table of sparrow count; choose another --to"):
            refuse_other_table(tmp_path / name, [Path("a.jpg")])
        (tmp_path / name).write_text("")
        refuse_other_table(tmp_path / name, [Path("a.jpg")])


def test_a_killed_count_goes_on_from_another_folder(
    model_folder: Path, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    count_file = command.count_file

    def one_then_killed(counter: Any, file: Path, annotated: Path | None) -> Any:
        if counted:
            raise KeyboardInterrupt
        counted.append(file.name)
        return count_file(counter, file, annotated)

    monkeypatch.setattr(command, "count_file", one_then_killed)
    monkeypatch.chdir(two)
    to, drawn = tmp_path / "c.csv", tmp_path / "drawn"
    assert count(model_folder, ".", "--to", to, "--annotated", os.path.relpath(drawn)) == 130
    monkeypatch.chdir(tmp_path)
    counted.clear()
    assert count(model_folder, "photos", "--to", "c.csv", "--annotated", "drawn") == 0
    assert counted == ["b.jpg"]
    rows = list(csv.DictReader(to.read_text().splitlines()))
    assert [row["file"] for row in rows] == ["a.jpg", "b.jpg"]  # below the folder that was named


def test_a_photo_much_larger_than_the_model_sees_it_says_what_may_be_missed(
    model_folder: Path, two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info = read_info(model_folder, verify=False)
    # The photo's long or short side becomes the model's, and the smallest box with it.
    scale = min(info.min_side_px / 3000, info.max_side_px / 4000)
    smallest = min(info.config["model"]["anchor_sizes_px"])
    px = smallest_object_px(info, 4000, 3000)
    assert px is not None
    assert smallest / scale <= px < smallest / scale + 1
    assert smallest_object_px(info, info.min_side_px, info.min_side_px) is None
    without = info.model_copy(update={"config": {}})  # torchvision's own smallest box is 32
    assert smallest_object_px(without, 4000, 3000) == math.ceil(32 / scale)
    (two / "c.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    assert count(model_folder, two) == 0  # what is skipped alone is no failure
    said = capsys.readouterr()
    assert re.search(r"objects below about \d+ px may be missed\)$", said.out.strip())
    assert "2 photos are much larger than the model sees them" in said.err
    assert said.err.splitlines()[-1] == "3 found: 2 counted, 1 skipped"
