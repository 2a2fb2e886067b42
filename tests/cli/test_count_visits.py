"""``sparrow count`` by visits: the tables, the page, and what must not leave a photo."""

from __future__ import annotations

import csv
import json
import re
import shutil
from base64 import b64decode
from contextlib import closing
from pathlib import Path

import pytest
from counted_folder import copy_photos, count
from PIL import Image

from sparrow.cli.count_journal import Journal
from sparrow.cli.main import main
from sparrow.images import read_exif
from sparrow.regular_file import sha256_of

TIMES = ("2026:05:01 12:00:00", "2026:05:01 12:00:20", "2026:05:01 13:00:00")


@pytest.fixture
def folder(drawn_dataset: Path, tmp_path: Path) -> Path:
    """Three photos of one camera in two visits, with their place, and one without EXIF."""
    home = copy_photos(drawn_dataset, tmp_path / "photos", "abcd")
    for name, time in zip("abc", TIMES, strict=True):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Canon", "EOS 80D"
        exif.get_ifd(0x8769)[0x9003] = time
        exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 0.0, 0.0)})
        with Image.open(home / f"{name}.jpg") as photo:
            photo.save(home / f"{name}.jpg", exif=exif)
    return home


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_table_visits_and_page_say_the_same_and_no_exif_leaves(
    model_folder: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to, visits, page = (tmp_path / name for name in ("c.csv", "v.csv", "r.html"))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    out = ["--to", to, "--visits", visits, "--report", page, "--annotated", tmp_path / "drawn"]
    assert count(model_folder, folder, *out) == 0
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()} == before
    photos = rows(to)
    assert [photo["file"] for photo in photos] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert [photo["visit"] for photo in photos] == ["1", "1", "2", ""]
    assert photos[0]["taken_at"] == "2026-05-01T12:00:00"
    assert [photo["time_from"] for photo in photos] == ["exif", "exif", "exif", ""]
    assert "latitude" not in photos[0]
    groups = rows(visits)
    assert [group["per"] for group in groups if group["per"] == "visit"] == ["visit", "visit"]
    counts = [int(photo["count"]) for photo in photos]
    assert [int(g["most_at_once"]) for g in groups[:2]] == [max(counts[:2]), counts[2]]
    said = capsys.readouterr().err
    assert "1 photos without a time are of no visit: d.jpg" in said
    assert "Canon EOS 80D, 3 photos in 2 visits: at most" in said
    text = page.read_text(encoding="utf-8")
    pictures = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)
    assert pictures
    drawn = [path.read_bytes() for path in (tmp_path / "drawn").iterdir()]
    for picture in [*map(b64decode, pictures), *drawn]:
        assert read_exif(picture) == {}
        assert b"Exif" not in picture
    assert "http" not in text  # nothing is loaded from elsewhere


def test_places_are_written_on_request(model_folder: Path, folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "c.json"
    assert count(model_folder, folder, "--to", to, "--gps") == 0
    photos = json.loads(to.read_text(encoding="utf-8"))["photos"]
    assert [(photo["latitude"], photo["longitude"]) for photo in photos] == [
        *[(52.5, 13.0)] * 3, (None, None),
    ]  # fmt: skip
    assert count(model_folder, folder, "--gps") == 1  # there is no table to write them to


@pytest.mark.parametrize(
    "option", [("--visits", "v.txt"), ("--report", "r.pdf"), ("--visit-seconds", "nan")]
)
def test_what_cannot_be_written_is_refused_before_any_work(
    model_folder: Path, folder: Path, option: tuple[str, str]
) -> None:
    assert count(model_folder, folder, *option) == 1


def test_the_champion_is_found_from_a_folder_below(
    model_folder: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / ".sparrow").mkdir()
    (tmp_path / ".sparrow" / "champion").symlink_to(model_folder, target_is_directory=True)
    monkeypatch.chdir(folder)
    assert main(["count", "a.jpg", "--workers", "1"]) == 0
    said = capsys.readouterr()
    assert f"the model is {tmp_path / '.sparrow' / 'champion'}" in said.err
    assert said.out.startswith("a.jpg: ")


def test_a_table_of_other_photos_with_the_same_names_is_not_overwritten(
    model_folder: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two cards of one camera: the names below their folders are the same."""
    to, other = tmp_path / "c.csv", tmp_path / "card 2"
    assert count(model_folder, folder / "a.jpg", "--to", to) == 0
    other.mkdir()
    shutil.copy(folder / "b.jpg", other / "a.jpg")
    assert count(model_folder, other / "a.jpg", "--to", to) == 1
    assert "the counts of 1 other photos with the same names" in capsys.readouterr().err


def test_a_journal_of_the_release_before_goes_on(
    model_folder: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its entries have no time and no counts by class: the time is read from the photo."""
    to, model = tmp_path / "c.csv", sha256_of(model_folder / "model.json")
    with closing(Journal(to, model)) as journal:
        from sparrow.cli.count_photos import count_file
        from sparrow.inference.counter import PhotoCounter

        entry = count_file(PhotoCounter(model_folder), folder / "a.jpg", None)
        del entry["shot"], entry["record"]["class_counts"]
        entry["record"]["count"] = 77
        journal.add(entry)
    path = to.with_name("c.csv.journal")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'{"format": 4', b'{"format": 3', 1))
    assert count(model_folder, folder, "--to", to) == 0
    assert "1 photos were counted before; going on" in capsys.readouterr().err
    assert (rows(to)[0]["count"], rows(to)[0]["visit"]) == ("77", "1")


def test_a_place_that_never_changes_is_shown_and_left_out_on_request(
    model_folder: Path, drawn_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One photo in ten lights, half an hour apart: whatever is found in it never moves."""
    home, places = tmp_path / "photos", tmp_path / "places"
    home.mkdir()
    with Image.open(min((drawn_dataset / "images").iterdir())) as photo:
        for n in range(10):
            lit = photo.point(lambda value, n=n: value * (1 - n / 100))
            lit.save(home / f"IMG_20260501_{8 + n // 2:02d}{n % 2 * 30:02d}00.jpg", quality=95)
    assert count(model_folder, home, "--fixed-places", places) == 0
    said = capsys.readouterr().err
    assert f"count again with --exclude {places / 'places.csv'}" in said
    table = rows(places / "places.csv")
    assert table[0]["of_photos"] == "10"
    assert len(list(places.glob("place-*.jpg"))) == len(table)
    two = sorted(home.iterdir())[:2]
    assert count(model_folder, *two, "--to", tmp_path / "all.json") == 0
    exclude = ["--exclude", places / "places.csv", "--to", tmp_path / "fewer.json"]
    assert count(model_folder, *two, *exclude) == 0
    left_out = re.search(
        r"(\d+) detections at excluded places are left out, in 2", capsys.readouterr().err
    )
    assert left_out is not None
    every, fewer = (
        sum(p["count"] for p in json.loads((tmp_path / name).read_text())["photos"])
        for name in ("all.json", "fewer.json")
    )
    assert every == fewer + int(left_out[1])
