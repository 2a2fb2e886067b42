from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from written_tool_sets import write_json

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedSet
from sparrow.data.formats.labelme_labels import parse_labels
from sparrow.data.formats.source_files import list_source


def shape(kind: str | None, *points: list[float], **more: Any) -> dict[str, Any]:
    """A shape of a gull."""
    return {"label": "gull", "shape_type": kind, "points": list(points)} | more


def read(folder: Path, *shapes: dict[str, Any], **more: Any) -> DescribedSet:
    """What the parser makes of a.json."""
    tree = {"shapes": list(shapes), "imagePath": "a.jpg", "imageData": "/9j/4AAQ"} | more
    write_json(folder / "a.json", tree)
    return parse_labels(list_source(folder))


def boxes(described: DescribedSet) -> list[tuple[Any, ...]]:
    """Label and corners in pixels."""
    return [(box.label, *box.xyxy) for photo in described.photos for box in photo.boxes]


def test_a_file_without_shapes_is_a_photo_without_objects(tmp_path: Path) -> None:
    (photo,) = read(tmp_path, imageWidth=200, imageHeight=100).photos
    assert (len(photo.boxes), photo.unboxed, photo.size) == (0, False, (200, 100))
    assert photo.second_name is not None
    assert (photo.name.text, photo.second_name.text) == ("a.jpg", "a")


@pytest.mark.parametrize(
    ("drawn", "corners"),
    [
        (shape("rectangle", [30, 5], [10, 25]), (10, 5, 30, 25)),
        (shape("rectangle", [10, 5], [30, 5], [30, 25], [10, 25]), (10, 5, 30, 25)),
        (shape("polygon", [10, 5], [30, 15], [20, 25]), (10, 5, 30, 25)),
        (shape(None, [10, 5], [30, 15], [20, 25]), (10, 5, 30, 25)),  # before version 4
        (shape("circle", [50, 40], [53, 44]), (45, 35, 55, 45)),  # 3 and 4 away: radius 5
        (shape("mask", [10, 5], [29, 24], mask="iVBOR"), (10, 5, 30, 25)),  # first, last pixel
        (shape("rotation", [20, 0], [40, 20], [20, 40], [0, 20], direction=0.8), (0, 0, 40, 40)),
    ],
)
def test_every_shape_with_an_area_gives_the_box_around_it(
    tmp_path: Path, drawn: dict[str, Any], corners: tuple[float, ...]
) -> None:
    assert boxes(read(tmp_path, drawn)) == [("gull", *corners)]


def test_shapes_of_one_group_are_one_object(tmp_path: Path) -> None:
    left = shape("rectangle", [0, 0], [10, 10], group_id=1)
    right = shape("rectangle", [20, 5], [30, 15], group_id=1)
    other = shape("rectangle", [20, 5], [30, 15], group_id=2)
    described = read(tmp_path, left, right, other)
    assert boxes(described) == [("gull", 0, 0, 30, 15), ("gull", 20, 5, 30, 15)]
    assert described.remarks[0].what == "shapes of one group were joined into one box"


def test_points_are_left_out_and_alone_make_no_empty_photo(tmp_path: Path) -> None:
    assert [p.unboxed for p in read(tmp_path, shape("point", [1, 2])).photos] == [True]
    described = read(
        tmp_path, shape("linestrip", [1, 2], [3, 4]), shape("rectangle", [0, 0], [9, 9])
    )
    assert boxes(described) == [("gull", 0, 0, 9, 9)]


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (shape("rectangle", [1, 2]), "expected 2 or more points"),
        (shape("polygon", [1, 2], [3, 4]), "expected 3 or more points"),
        (shape("rectangle", [1, 2], [3, "four"]), "expected a number, found 'four'"),
        (shape("rectangle", [1, 2], [3, 4], label=""), "'label': expected a text"),
    ],
)
def test_a_damaged_shape_is_named(tmp_path: Path, damaged: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, damaged)
    assert str(error.value).startswith("a.json, shape 1")


def test_a_damaged_file_among_good_ones_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"shapes": [', encoding="utf-8")
    with pytest.raises(DataError, match=r"b\.json: not valid JSON"):
        read(tmp_path)
