"""``sparrow count``: every photo once, bad ones listed, resumed when killed, same numbers."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from counted_folder import count

from sparrow.cli.count_journal import Journal
from sparrow.cli.file_key import file_key
from sparrow.cli.main import main
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.photo_files import find_photos
from sparrow.regular_file import sha256_of


@pytest.fixture
def folder(drawn_dataset: Path, tmp_path: Path) -> Path:
    """Three photos, one of them in a folder within, a text file named .jpg and a note."""
    photos = sorted((drawn_dataset / "images").iterdir())[:3]
    home = tmp_path / "photos"
    (home / "deep").mkdir(parents=True)
    shutil.copy(photos[0], home / "a.jpg")
    shutil.copy(photos[1], home / "b.jpg")
    shutil.copy(photos[2], home / "deep" / "c.jpg")
    (home / "bad.jpg").write_text("text")
    (home / "note.txt").write_text("no photo")
    return home


def test_csv_has_every_photo_and_the_bad_one_is_listed(
    model_folder: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "counts.csv"
    assert count(model_folder, folder, "-r", "--to", to, "--annotated", tmp_path / "drawn") == 3
    rows = list(csv.DictReader(to.read_text().splitlines()))
    assert [Path(row["file"]).name for row in rows] == ["a.jpg", "b.jpg", "bad.jpg", "c.jpg"]
    assert [row["error"] for row in rows] == ["", "", "unreadable_photo", ""]
    assert "bad.jpg: this is not a photo" in capsys.readouterr().err
    assert len(list((tmp_path / "drawn").iterdir())) == 3
    assert not to.with_name("counts.csv.journal").exists()
    ours = (
        PhotoCounter(model_folder).count((folder / "a.jpg").read_bytes(), "a.jpg", "cli")[0].record
    )
    assert int(rows[0]["count"]) == ours.count


def test_json_parquet_and_megadetector(model_folder: Path, folder: Path, tmp_path: Path) -> None:
    for name in ("c.json", "c.parquet"):
        assert count(model_folder, folder, "--to", tmp_path / name) == 3
    photos = json.loads((tmp_path / "c.json").read_text())["photos"]
    assert [len(photo["boxes"]) for photo in photos][:2] == [photo["count"] for photo in photos][:2]
    assert pd.read_parquet(tmp_path / "c.parquet")["count"].isna().tolist() == [False, False, True]
    to = tmp_path / "md.json"
    assert count(model_folder, folder, "--to", to, "--megadetector") == 3
    images = json.loads(to.read_text())["images"]
    assert images[2]["failure"] == "image access failure"  # MegaDetector's own words
    assert all(0 <= x <= 1 for d in images[0]["detections"] for x in d["bbox"])


def test_a_killed_run_goes_on_where_it_stopped(
    model_folder: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "counts.csv"
    journal = Journal(to, sha256_of(model_folder / "model.json"))
    assert count(model_folder, folder / "a.jpg", "--to", tmp_path / "one.json") == 0
    done = {"record": {"file_name": str(folder / "a.jpg")}, "message": None}
    done |= {"file": file_key(folder / "a.jpg"), "annotated": None, "real": str(folder / "a.jpg")}
    done["smallest_px"] = None
    whole = json.loads((tmp_path / "one.json").read_text())["photos"][0]
    done["record"] |= {
        "id": "1", "time": whole["time"], "source": "cli", "model_name": "m", "model_version": "1",
        "count": 77, "count_low": 76, "count_high": 78, "boxes": [], "error": None,
    }  # fmt: skip
    journal.add(done)
    journal.close()
    with to.with_name("counts.csv.journal").open("a") as file:
        file.write('{"record": {"file_na')  # the line that was being written
    count(model_folder, folder, "--to", to)
    assert "1 photos were counted before" in capsys.readouterr().err
    counts = [row["count"] for row in csv.DictReader(to.read_text().splitlines())]
    assert len(counts) == 3
    assert counts[0] == "77"  # from the journal: not counted again


def test_two_workers_give_the_same(model_folder: Path, folder: Path, tmp_path: Path) -> None:
    kept = ["file", "count", "error"]
    tables = []
    for n in ("1", "2"):
        to = tmp_path / f"{n}.parquet"
        main(["count", "--model", str(model_folder), str(folder), "--workers", n, "--to", str(to)])
        tables.append(pd.read_parquet(to)[kept])
    assert tables[0].equals(tables[1])


def test_what_is_not_there(model_folder: Path, tmp_path: Path) -> None:
    assert count(model_folder, tmp_path / "missing.jpg") == 3
    assert count(model_folder, tmp_path) == 1  # a folder without a photo
    assert count(model_folder, tmp_path / "a.jpg", "--to", tmp_path / "x.doc") == 1
    assert count(tmp_path / "no-model", tmp_path / "a.jpg") == 1


def test_each_file_is_found_once(folder: Path) -> None:
    found = find_photos([folder / "a.jpg", folder], recursive=False)
    assert [path.name for path in found.photos] == ["a.jpg", "b.jpg", "bad.jpg"]
