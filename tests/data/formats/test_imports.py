from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sparrow.data.errors import DataError
from sparrow.data.formats import WRITERS
from sparrow.data.formats.coco import write_coco
from sparrow.data.formats.csv import write_csv
from sparrow.data.formats.exchange import export_dataset, read_csv
from sparrow.data.formats.import_report import ImportOptions
from sparrow.data.formats.imports import Credits, Target, import_set, read_set
from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, XYXY, Dataset


def write_photo(path: Path, width_px: int = 40, height_px: int = 30) -> None:
    """A plain green photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width_px, height_px), (90, 120, 60)).save(path)


def _sorted(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    return table[list(columns)].sort_values(list(columns)).reset_index(drop=True)


@pytest.mark.parametrize("kind", WRITERS)
def test_export_and_import_give_the_same_boxes(
    drawn_dataset: Path, tmp_path: Path, kind: str
) -> None:
    before = read_csv(drawn_dataset)
    export_dataset(kind, before, tmp_path / "out")
    # YOLO cannot hold author, source and licence: they are given again.
    first = before.images.iloc[0]
    credits = Credits("someone", first["source"], first["license"])
    import_set(kind, tmp_path / "out", Target(tmp_path / "back", credits))
    after = read_csv(tmp_path / "back")
    pd.testing.assert_frame_equal(
        _sorted(after.boxes, BOX_COLUMNS), _sorted(before.boxes, BOX_COLUMNS)
    )
    columns = tuple(c for c in IMAGE_COLUMNS if c != "author" or kind != "yolo")
    pd.testing.assert_frame_equal(_sorted(after.images, columns), _sorted(before.images, columns))
    assert (after.images["n_boxes"] == 0).any()  # a photo without boxes stays
    name = before.images["image"].iloc[0]
    assert after.image_path(name).read_bytes() == before.image_path(name).read_bytes()


@pytest.mark.parametrize("kind", WRITERS)
def test_fractions_of_pixels_survive(tmp_path: Path, kind: str) -> None:
    write_photo(tmp_path / "set" / "images" / "a.jpg", 33, 31)
    box = (1.5, 2.25, 30.125, 29.0625)
    images = pd.DataFrame([("a.jpg", "A", 1, "S", "L", 33, 31)], columns=list(IMAGE_COLUMNS))
    boxes = pd.DataFrame([("a.jpg", "bird", *box)], columns=list(BOX_COLUMNS))
    export_dataset(kind, Dataset(tmp_path / "set", images, boxes), tmp_path / "out")
    after = read_set(kind, tmp_path / "out").dataset
    # YOLO is read to 1e-4 px.
    np.testing.assert_allclose(after.boxes[XYXY].to_numpy()[0], box, rtol=0, atol=5e-5)


def test_export_tells_who_made_the_photos(drawn_dataset: Path, tmp_path: Path) -> None:
    dataset = read_csv(drawn_dataset)
    export_dataset("yolo", dataset, tmp_path / "out")
    notice = (tmp_path / "out" / "NOTICE").read_text(encoding="utf-8")
    for row in dataset.images.to_dict("records"):
        under = notice.split(f"{row['license']} (")[1].split("\n\n")[1]
        assert f"{row['image']}: {row['author']} ({row['source']})" in under


def test_photos_of_one_name_in_two_folders_stay_two(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write_photo(tmp_path / "images" / part / "a.jpg")
        (tmp_path / "labels" / part).mkdir(parents=True)
        (tmp_path / "labels" / part / "a.txt").write_text("")
    (tmp_path / "classes.txt").write_text("bird\n")
    dataset = import_set("yolo", tmp_path, Target(tmp_path / "into")).dataset
    assert dataset.images["image"].tolist() == ["train_a.jpg", "val_a.jpg"]


def test_an_existing_set_is_not_overwritten(drawn_dataset: Path, tmp_path: Path) -> None:
    import_set("csv", drawn_dataset, Target(tmp_path / "raw"))
    with pytest.raises(DataError, match="already holds files"):
        import_set("csv", drawn_dataset, Target(tmp_path / "raw"))


def test_new_photos_join_those_that_wait(drawn_dataset: Path, tmp_path: Path) -> None:
    one = read_csv(drawn_dataset)
    one = Dataset(
        one.root, one.images.head(1).assign(image="new.jpg", n_boxes=0), one.boxes.head(0)
    )
    write_photo(tmp_path / "one" / "images" / "new.jpg")
    write_csv(one, tmp_path / "one")
    import_set("csv", drawn_dataset, Target(tmp_path / "new", prefix="new_"))
    import_set("csv", tmp_path / "one", Target(tmp_path / "new", prefix="new_"))
    waiting = read_csv(tmp_path / "new", "new_")
    assert len(waiting.images) == len(read_csv(drawn_dataset).images) + 1
    with pytest.raises(DataError, match="there already"):
        import_set("csv", tmp_path / "one", Target(tmp_path / "new", prefix="new_"))
    assert len(read_csv(tmp_path / "new", "new_").images) == len(waiting.images)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "one"]  # nothing half-made


def test_a_name_that_leads_out_finds_nothing_there(drawn_dataset: Path, tmp_path: Path) -> None:
    dataset = read_csv(drawn_dataset)
    images = dataset.images.head(1).assign(image="../../secret.jpg", n_boxes=0)
    write_csv(Dataset(tmp_path, images, dataset.boxes.head(0)), tmp_path / "set")
    write_photo(tmp_path / "secret.jpg")
    with pytest.raises(DataError, match=r"described but not there: '../../secret\.jpg'"):
        import_set("csv", tmp_path / "set", Target(tmp_path / "into"))


def test_a_missing_photo_stops_the_import_with_nothing_written(tmp_path: Path) -> None:
    images = pd.DataFrame([("a.jpg", "A", 0, "S", "L", 40, 30)], columns=list(IMAGE_COLUMNS))
    (tmp_path / "set" / "images").mkdir(parents=True)
    boxes = pd.DataFrame([], columns=list(BOX_COLUMNS))
    write_coco(Dataset(tmp_path / "set", images, boxes), tmp_path / "set" / "instances.json")
    with pytest.raises(DataError, match=r"described but not there: 'a\.jpg'"):
        import_set("coco", tmp_path / "set", Target(tmp_path / "into"))
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_folder_that_is_not_there(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError, match="no such folder"):
        import_set(kind, tmp_path / "nowhere", Target(tmp_path / "into"))


def _two_photos(folder: Path, boxes: str = "0 0.5 0.5 0.5 0.5\n") -> Path:
    """YOLO: ``a.jpg`` has boxes, ``b.jpg`` no label file."""
    write_photo(folder / "images" / "a.jpg")
    write_photo(folder / "images" / "b.jpg", 41)
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text(boxes)
    (folder / "classes.txt").write_text("bird\n")
    return folder


def test_photos_without_labels_are_named_or_decided_about(tmp_path: Path) -> None:
    _two_photos(tmp_path)
    with pytest.raises(DataError, match=r"1 of 2 photos are in no label file: images/b\.jpg"):
        read_set("yolo", tmp_path)
    for choice, photos, says in (
        ("empty", 2, "1 photos that no label file describes were taken as empty (images/b.jpg)"),
        ("skip", 1, "1 photos that no label file describes were left out (images/b.jpg)"),
    ):
        with_photos = read_set("yolo", tmp_path, ImportOptions(unlabelled=choice))
        assert len(with_photos.dataset.images) == photos
        assert says in with_photos.report.lines()


def test_labels_without_photos_are_named_or_left_out(tmp_path: Path) -> None:
    (_two_photos(tmp_path) / "images" / "b.jpg").unlink()
    (tmp_path / "labels" / "c.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    with pytest.raises(DataError, match=r"described but not there: 'c' .* labels/c\.txt"):
        read_set("yolo", tmp_path)
    with_photos = read_set("yolo", tmp_path, ImportOptions(missing="skip"))
    assert with_photos.dataset.images["image"].tolist() == ["images/a.jpg"]
    says = "1 descriptions of photos that are not there were left out (labels/c.txt)"
    assert says in with_photos.report.lines()


def test_one_picture_with_two_answers_is_refused_with_both_names(tmp_path: Path) -> None:
    _two_photos(tmp_path)
    shutil.copy(tmp_path / "images" / "a.jpg", tmp_path / "images" / "b.jpg")
    (tmp_path / "labels" / "b.txt").write_text("0 0.25 0.5 0.5 0.5\n")
    with pytest.raises(DataError, match=r"images/a\.jpg and images/b\.jpg are the same picture"):
        read_set("yolo", tmp_path)
    # Another person drew the same object a pixel wider.
    (tmp_path / "labels" / "b.txt").write_text("0 0.5 0.5 0.525 0.5\n")
    says = (
        "1 photos are there twice, with boxes of the same objects (images/a.jpg and images/b.jpg)"
    )
    assert says in read_set("yolo", tmp_path).report.lines()
    (tmp_path / "classes.txt").write_text("bird\ncat\n")
    (tmp_path / "labels" / "b.txt").write_text("1 0.5 0.5 0.5 0.5\n")
    with pytest.raises(DataError, match=r"\(bird 10, .*; cat 10, "):
        read_set("yolo", tmp_path)


def test_a_name_that_is_no_utf8_is_written_as_utf8(tmp_path: Path) -> None:
    write_photo(tmp_path / "set" / "images" / "a.jpg")
    try:
        (tmp_path / "set" / "images" / "a.jpg").rename(
            tmp_path / "set" / "images" / "Gr\udcfcn.jpg"
        )
    except OSError:
        pytest.skip("this file system takes no such name")
    tree = {"images": [{"id": 1, "file_name": "Grün.jpg"}], "annotations": [], "categories": []}
    (tmp_path / "set" / "a.json").write_text(json.dumps(tree))
    imported = import_set("coco", tmp_path / "set", Target(tmp_path / "raw"))
    assert read_csv(tmp_path / "raw").images["image"].tolist() == ["Grün.jpg"]
    assert imported.dataset.image_path("Grün.jpg").is_file()
    says = "1 photos' names were no UTF-8 and are written as UTF-8 (images/Grün.jpg)"
    assert says in imported.report.lines()
