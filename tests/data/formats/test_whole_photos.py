from __future__ import annotations

from pathlib import Path

import pytest
from written_sets import write_photo
from written_tool_sets import SCENE, coco_tree, write_json

from sparrow.data.errors import DataError
from sparrow.data.formats.import_report import ImportOptions
from sparrow.data.formats.imports import read_set
from sparrow.data.formats.whole_photos import WholePhoto, unboxed_photos


def told(*labels: str) -> list[WholePhoto]:
    """Classes of the photos "0", "1" …"""
    return [WholePhoto(str(i), label, f"row {i}") for i, label in enumerate(labels)]


def test_without_classes_of_whole_photos_there_is_nothing_to_say() -> None:
    assert unboxed_photos([], {}) == unboxed_photos([], {"0": {"fox"}}) == set()


def test_a_class_that_others_have_boxes_of_makes_no_photo_without_objects() -> None:
    # Photo 1 shows a fox somewhere; photo 2 shows a deer, which nothing has a box of; 3 nothing.
    assert unboxed_photos(told("fox", "fox", "deer", "empty"), {"0": {"fox"}}) == {"1"}


def test_classes_alone_are_refused_unless_they_say_that_there_is_nothing() -> None:
    assert unboxed_photos(told("empty", "Blank"), {}) == set()
    with pytest.raises(DataError, match="row 1: 'fox' is told of a whole photo, and no entry has"):
        unboxed_photos(told("empty", "fox"), {})


def test_a_camera_traps_photo_with_a_class_and_no_box_is_refused_or_left_out(
    tmp_path: Path,
) -> None:
    for photo in SCENE:
        write_photo(tmp_path / photo.name, photo)
    tree = coco_tree(SCENE)
    tree["annotations"].append({"id": 9, "image_id": 2, "category_id": 0, "sequence_level": True})
    write_json(tmp_path / "cct.json", tree)
    with pytest.raises(
        DataError, match=r"1 photos show objects whose boxes are not told: leer\.jpg"
    ):
        read_set(None, tmp_path)
    for unlabelled in ("empty", "skip"):  # never taken as one without objects
        taken = read_set(None, tmp_path, ImportOptions(unlabelled=unlabelled))
        assert "leer.jpg" not in taken.dataset.images["image"].tolist()
        assert any("were left out" in line for line in taken.report.lines())
