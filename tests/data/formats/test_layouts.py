"""What labelling tools write, as it is on the disk: boxes equal to the pixel, one command each."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest
from written_sets import Photo, write_coco, write_csv, write_text, write_voc, write_yolo

from sparrow.cli.main import main

PHOTOS = (
    Photo("IMG_0001.jpg", (80, 60), (("raccoon", 0, 7, 21, 30), ("fox", 30, 10, 80, 60)), "train"),
    Photo("IMG_0002_jpg.rf.9f2a.jpg", (60, 80), (("raccoon", 3, 5, 60, 77),), "valid"),
    Photo("Ünter dem Dach.png", (64, 64), (), "test"),
)
LAYOUTS = {
    "LabelImg VOC beside": lambda root: write_voc(root, PHOTOS, "beside"),
    "LabelImg YOLO beside": lambda root: write_yolo(root, PHOTOS, "beside"),
    "Roboflow COCO": lambda root: write_coco(root, PHOTOS, "roboflow"),
    "Roboflow YOLO": lambda root: write_yolo(root, PHOTOS, "roboflow", "data.yaml", digits=16),
    "Roboflow VOC": lambda root: write_voc(root, PHOTOS, "split"),
    "CVAT COCO": lambda root: write_coco(root, PHOTOS, "cvat"),
    "CVAT VOC": lambda root: write_voc(root, PHOTOS, "JPEGImages"),
    "CVAT YOLO": lambda root: write_yolo(root, PHOTOS, "darknet", "obj.names"),
    "Ultralytics": lambda root: write_yolo(root, PHOTOS, "ultralytics", "dataset.yaml"),
    "Label Studio COCO": lambda root: write_coco(root, PHOTOS, "images", "windows"),
    "official COCO": lambda root: write_coco(root, PHOTOS, "official"),
    "TensorFlow CSV": lambda root: write_csv(root, PHOTOS, "tensorflow"),
    "Kaggle CSV": lambda root: write_csv(root, PHOTOS, "kaggle"),
    "RetinaNet CSV": lambda root: write_csv(root, PHOTOS, "retinanet"),
}
KINDS = {"COCO": "coco", "VOC": "voc", "YOLO": "yolo", "CSV": "csv", "Ultralytics": "yolo"}
# What every system and tool leaves beside photos.
JUNK = (".DS_Store", "._IMG_0001.jpg", "Thumbs.db", "@eaDir/IMG_0001.jpg/THUMB.jpg", "README.md")


def boxes_in(raw: Path) -> list[tuple[object, ...]]:
    with (raw / "bboxes" / "bounding_boxes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = ("bbox_x", "bbox_y", "bbox_width", "bbox_height", "image_width", "image_height")
    return sorted(
        (row["image_name"], row["label_name"], *(round(float(row[n]), 3) for n in numbers))
        for row in rows
    )


EXPECTED = sorted(
    (photo.name, label, x0, y0, x1 - x0, y1 - y0, *photo.size)
    for photo in PHOTOS
    for label, x0, y0, x1, y1 in photo.boxes
)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_set_is_imported_as_it_is_on_the_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    LAYOUTS[name](tmp_path / "set")
    for junk in JUNK:
        write_text(tmp_path / "set" / junk, "no photo")
    assert main(["import", str(tmp_path / "set"), "--into", str(tmp_path / "raw")]) == 0
    # Six digits of a fraction are a ten-thousandth of a pixel here.
    found = boxes_in(tmp_path / "raw")
    assert [row[:2] for row in found] == [row[:2] for row in EXPECTED]
    for row, expected in zip(found, EXPECTED, strict=True):
        assert row[2:] == pytest.approx(expected[2:], abs=1e-3)
    assert len(list((tmp_path / "raw" / "images").iterdir())) == 3
    told = capsys.readouterr().out
    kind = next(kind for word, kind in KINDS.items() if word in name)
    assert told.startswith(f"read as {kind}: ")
    assert "3 photos with 3 boxes (fox 1, raccoon 2); 1 photos have none" in told
    assert "--set 'data.classes=[fox, raccoon]'" in told.splitlines()[-1]


def test_a_zip_file_in_the_place_of_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_yolo(tmp_path / "set", PHOTOS, "roboflow", "data.yaml", digits=12)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*.*")):
            archive.write(path, Path("export") / path.relative_to(tmp_path / "set"))
    assert main(["import", str(tmp_path / "set.zip"), "--into", str(tmp_path / "raw")]) == 0
    assert boxes_in(tmp_path / "raw") == EXPECTED
    with zipfile.ZipFile(tmp_path / "set.zip", "a") as archive:
        archive.writestr("../out.txt", "bad")
    assert main(["import", str(tmp_path / "set.zip"), "--into", str(tmp_path / "other")]) == 1
    assert "set.zip: member '../out.txt' leads outside" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "set", "set.zip"]


def test_two_formats_in_one_folder_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_voc(tmp_path / "set", PHOTOS, "images")
    write_coco(tmp_path / "set", PHOTOS, "images")
    assert main(["import", str(tmp_path / "set"), "--into", str(tmp_path / "raw")]) == 1
    told = capsys.readouterr().err
    assert "two formats fit (coco: result.json; voc: annotations/IMG_0001.xml" in told
    for kind in ("coco", "voc"):
        assert main(["import", kind, str(tmp_path / "set"), "--into", str(tmp_path / kind)]) == 0
        assert boxes_in(tmp_path / kind) == EXPECTED


def test_a_folder_without_labels_says_what_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_text(tmp_path / "set" / "notes.txt", "nothing")
    assert main(["import", str(tmp_path / "set"), "--into", str(tmp_path / "raw")]) == 1
    assert "no label file of a known format (coco, voc, yolo, csv" in capsys.readouterr().err
