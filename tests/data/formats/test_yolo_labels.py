from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sparrow.data.errors import DataError
from sparrow.data.formats.imports import Target, import_set, read_set
from sparrow.data.tables import XYXY


def write_photo(path: Path, width_px: int = 40, height_px: int = 30) -> None:
    """A plain green photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width_px, height_px), (90, 120, 60)).save(path)


def test_yolo_known_box_and_photo_with_an_empty_label_file(tmp_path: Path) -> None:
    write_photo(tmp_path / "images" / "train" / "a.jpg", 200, 100)
    write_photo(tmp_path / "images" / "train" / "b.jpg", 200, 101)
    (tmp_path / "labels" / "train").mkdir(parents=True)
    (tmp_path / "labels" / "train" / "a.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    (tmp_path / "labels" / "train" / "b.txt").write_text("")
    (tmp_path / "data.yaml").write_text("names: {0: cat, 1: bird}\n")
    dataset = import_set("yolo", tmp_path, Target(tmp_path / "into")).dataset
    # Centre (100, 50), 50 wide and 50 high.
    assert dataset.boxes[XYXY].to_numpy().tolist() == [[75, 25, 125, 75]]
    assert dataset.boxes["label"].tolist() == ["bird"]
    assert dataset.images["image"].tolist() == ["a.jpg", "b.jpg"]  # folders are gone
    assert dataset.images["n_boxes"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 0.5 0.5 0.1", "expected class and 4 numbers"),
        ("0 0.5 0.5 0.1 0.1 0.9 0.9 0.9", "expected class and 4 numbers"),
        ("2 0.5 0.5 0.1 0.1", "class '2'"),
        ("bird 0.5 0.5 0.1 0.1", "class 'bird'"),
        ("0 0.5 0.5 wide 0.1", "'wide'"),
        ("0 0.5 nan 0.1 0.1", "'nan'"),
        ("0 50 50 10 10", "from 0 to 1"),
    ],
)
def test_yolo_refuses(tmp_path: Path, line: str, says: str) -> None:
    write_photo(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    (tmp_path / "classes.txt").write_text("bird\ncat\n")
    with pytest.raises(DataError, match=says) as error:
        read_set("yolo", tmp_path)
    assert "a.txt, line 2" in str(error.value)


@pytest.mark.parametrize("names", ["names: 3", "names: a", "nc: 1", "names: {1: a}", "a: ["])
def test_yolo_needs_class_names(tmp_path: Path, names: str) -> None:
    write_photo(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels").mkdir()
    with pytest.raises(DataError, match=r"classes\.txt"):
        read_set("yolo", tmp_path)
    (tmp_path / "data.yaml").write_text(names)
    with pytest.raises(DataError, match=r"data\.yaml"):
        read_set("yolo", tmp_path)


def test_yolo_label_without_its_photo(tmp_path: Path) -> None:
    write_photo(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "b.txt").write_text("")
    (tmp_path / "classes.txt").write_text("bird\n")
    with pytest.raises(DataError, match=r"b\.txt"):
        read_set("yolo", tmp_path)


def _one_line(folder: Path, line: str) -> Path:
    write_photo(folder / "images" / "a.jpg", 200, 100)
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text(f"{line}\n")
    (folder / "classes.txt").write_text("bird\ncat\n")
    return folder


@pytest.mark.parametrize(
    ("line", "label", "says"),
    [
        ("\ufeff 1\t5e-1 0.5 0.25 0.5  ", "cat", ""),
        ("1.0 0.5 0.5 0.25 0.5", "cat", ""),
        ("0 0.5 0.5 0.25 0.5 0.93", "bird", "1 lines have a sixth value, a confidence"),
        ("0 .375 .25 .625 .25 .625 .75 .375 .75", "bird", "1 boxes were made from polygons"),
    ],
)
def test_yolo_lines_of_other_programs(tmp_path: Path, line: str, label: str, says: str) -> None:
    with_photos = read_set("yolo", _one_line(tmp_path, line))
    boxes = with_photos.dataset.boxes
    assert boxes[["label", *XYXY]].to_numpy().tolist() == [[label, 75, 25, 125, 75]]
    assert says in "\n".join(with_photos.report.lines())


def test_yolo_half_a_corner_among_polygons_is_refused(tmp_path: Path) -> None:
    _one_line(tmp_path, "0 .1 .1 .2 .1 .2 .2\n0 .1 .1 .2 .1 .2")
    with pytest.raises(DataError, match=r"a\.txt, line 2: has 6 values, and labels/a\.txt, line 1"):
        read_set("yolo", tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("data.yaml", "names: [cat, bird]", r"says bird, cat, .*data\.yaml says cat, bird"),
        ("labels/classes.txt", "cat\nbird\n", "name the classes differently"),
        ("data.yaml", "nc: 3\nnames: [bird, cat]", "says nc: 3, but names 2"),
        ("obj.names", "bird\n\ncat\n", r"obj\.names, line 2: is blank"),
    ],
)  # fmt: skip
def test_yolo_sources_of_classes_that_contradict(
    tmp_path: Path, file: str, text: str, says: str
) -> None:
    _one_line(tmp_path, "0 0.5 0.5 0.25 0.5")
    (tmp_path / file).write_text(text)
    with pytest.raises(DataError, match=says):
        read_set("yolo", tmp_path)


def test_yolo_classes_one_level_above_a_part(tmp_path: Path) -> None:
    _one_line(tmp_path / "train", "1 0.5 0.5 0.25 0.5")
    (tmp_path / "train" / "classes.txt").rename(tmp_path / "classes.txt")
    assert read_set("yolo", tmp_path / "train").dataset.boxes["label"].tolist() == ["cat"]


def test_yolo_one_label_file_for_two_photos(tmp_path: Path) -> None:
    write_photo(_one_line(tmp_path, "0 0.5 0.5 0.25 0.5") / "images" / "a.png")
    with pytest.raises(DataError, match=r"labels/a\.txt: the name 'a' fits 2 photos"):
        read_set("yolo", tmp_path)
