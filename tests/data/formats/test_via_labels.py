from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from written_tool_sets import write_json

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedSet
from sparrow.data.formats.import_report import ImportOptions
from sparrow.data.formats.imports import read_set
from sparrow.data.formats.source_files import list_source
from sparrow.data.formats.via_labels import find_labels, parse_labels
from sparrow.data.tables import XYXY

RECT = {"name": "rect", "x": 10, "y": 20, "width": 30, "height": 40}


def region(shape: dict[str, Any] = RECT, **attributes: Any) -> dict[str, Any]:
    """A region; without attributes it is a gull."""
    return {"shape_attributes": shape, "region_attributes": attributes or {"kind": "gull"}}


def read(folder: Path, *regions: dict[str, Any]) -> DescribedSet:
    """What the parser makes of a.jpg with these regions."""
    entry = {"filename": "a.jpg", "size": 1, "regions": list(regions), "file_attributes": {}}
    write_json(folder / "via.json", {"a.jpg1": entry})
    return parse_labels(list_source(folder))


def boxes(described: DescribedSet) -> list[tuple[Any, ...]]:
    """Label and corners in pixels."""
    return [(box.label, *box.xyxy) for photo in described.photos for box in photo.boxes]


def test_a_photo_without_regions_is_one_without_objects(tmp_path: Path) -> None:
    (photo,) = read(tmp_path).photos
    assert (len(photo.boxes), photo.unboxed) == (0, False)


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        (RECT, (10, 20, 40, 60)),
        ({"name": "circle", "cx": 50, "cy": 40, "r": 7.5}, (42.5, 32.5, 57.5, 47.5)),
        ({"name": "ellipse", "cx": 50, "cy": 40, "rx": 20, "ry": 10}, (30, 30, 70, 50)),
        (
            {"name": "ellipse", "cx": 50, "cy": 40, "rx": 20, "ry": 10, "theta": math.pi / 2},
            (40, 20, 60, 60),
        ),
        (
            {"name": "polygon", "all_points_x": [10, 40, 25], "all_points_y": [20, 25, 60]},
            (10, 20, 40, 60),
        ),
    ],
)
def test_every_shape_with_an_area_gives_the_box_around_it(
    tmp_path: Path, shape: dict[str, Any], corners: tuple[float, ...]
) -> None:
    ((label, *xyxy),) = boxes(read(tmp_path, region(shape)))
    assert label == "gull"
    assert xyxy == pytest.approx(corners)


def test_a_circle_over_the_edge_is_cut_there_and_a_rectangle_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (100, 80)).save(tmp_path / "a.jpg")
    read(tmp_path, region({"name": "circle", "cx": 10, "cy": 40, "r": 30}))
    taken = read_set(None, tmp_path)
    assert taken.dataset.boxes[XYXY].to_numpy().tolist() == [[0, 10, 40, 70]]
    assert taken.report.most_cut_px == 20
    read(tmp_path, region(RECT | {"x": -20}))
    with pytest.raises(DataError, match="reaches 20 px beyond"):
        read_set(None, tmp_path)


def test_points_are_left_out_and_alone_make_no_empty_photo(tmp_path: Path) -> None:
    point = region({"name": "point", "cx": 5, "cy": 6})
    described = read(tmp_path, point, region())
    assert boxes(described) == [("gull", 10, 20, 40, 60)]
    assert [remark.what for remark in described.remarks] == [
        "points and lines were left out: they have no box"
    ]
    assert [photo.unboxed for photo in read(tmp_path, point).photos] == [True]


def test_a_project_and_regions_numbered_by_version_1_are_read(tmp_path: Path) -> None:
    entry = {"filename": "a.jpg", "regions": {"0": region(), "1": region(species="tern")}}
    write_json(tmp_path / "p.json", {"_via_img_metadata": {"a.jpg1": entry}, "_via_settings": {}})
    with pytest.raises(DataError, match=r"a\.jpg1', region 1: has no class: its attribute"):
        parse_labels(list_source(tmp_path))
    entry["regions"] = {"0": region(), "1": region(kind="tern")}
    write_json(tmp_path / "p.json", {"_via_img_metadata": {"a.jpg1": entry}, "_via_settings": {}})
    assert [label for label, *_ in boxes(parse_labels(list_source(tmp_path)))] == ["gull", "tern"]


def test_among_several_attributes_the_one_called_class_is_the_class(tmp_path: Path) -> None:
    described = read(tmp_path, region(Class="gull", age="young"))
    assert boxes(described) == [("gull", 10, 20, 40, 60)]
    assert "besides 'Class', which were left out: age" in described.remarks[0].what
    with pytest.raises(DataError, match=r"several attributes \(age, bird\).*--class-attribute"):
        read(tmp_path, region(bird="gull", age="young"))


def test_a_person_says_which_attribute_is_the_class(tmp_path: Path) -> None:
    Image.new("RGB", (99, 99)).save(tmp_path / "a.jpg")
    entry = {"filename": "a.jpg", "size": 1, "regions": [region(bird="gull", age="young")]}
    write_json(tmp_path / "via.json", {"a.jpg1": entry})
    taken = read_set("via", tmp_path, ImportOptions(class_attribute="age"))
    assert taken.dataset.boxes["label"].tolist() == ["young"]
    assert "besides 'age', which were left out: bird" in "".join(taken.report.lines())
    with pytest.raises(DataError, match=r"no attribute 'sex' \(--class-attribute\), but age, bird"):
        read_set("via", tmp_path, ImportOptions(class_attribute="sex"))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"gull": True, "tern": False}, None),
        ({"gull": True, "tern": True}, "gull, tern"),
        ({}, "none"),
    ],
)
def test_a_checkbox_names_a_class_by_its_only_tick(
    tmp_path: Path, value: dict[str, bool], found: str | None
) -> None:
    if found is None:
        assert boxes(read(tmp_path, region(kind=value)))[0][0] == "gull"
        return
    with pytest.raises(DataError, match=f"expected one class in 'kind', found {found}"):
        read(tmp_path, region(kind=value))


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (region(kind=""), "region 1: has no class"),
        (region(RECT | {"x": None}), "region 1: expected a number as 'x', found nothing"),
        (region({"name": "star"}), "expected a rect, polygon, circle or ellipse, found 'star'"),
        (region({"name": "polygon", "all_points_x": [1]}), "of 3 or more points"),
        ({"shape_attributes": RECT}, "region 1, 'region_attributes': expected an object"),
        ({"shape_attributes": RECT, "region_attributes": {}}, "have no attribute that names"),
    ],
)
def test_a_damaged_region_is_named(tmp_path: Path, damaged: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, damaged)
    assert str(error.value).startswith("via.json")


HEADER = (
    "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,"
    "region_attributes"
)
ROW = '"{""name"":""rect"",""x"":10,""y"":20,""width"":30,""height"":40}","{""kind"":""gull""}"'


def test_a_table_of_a_spreadsheet_is_read_and_a_lost_row_is_named(tmp_path: Path) -> None:
    table = tmp_path / "via.csv"
    row = ROW.replace('}","{', '}";"{')
    semicolons = HEADER.replace(",", ";") + f"\na.jpg;1;{{}};1;0;{row}\n"
    table.write_text(semicolons, encoding="utf-8")
    assert boxes(parse_labels(list_source(tmp_path))) == [("gull", 10, 20, 40, 60)]
    text = f"{HEADER}\na.jpg,1,{{}},2,0,{ROW}\na.jpg,1,{{}},2,1,{ROW}\n"
    table.write_text(text, encoding="utf-8")
    assert boxes(parse_labels(list_source(tmp_path))) == [("gull", 10, 20, 40, 60)] * 2
    table.write_text(text[: text.rindex("a.jpg")], encoding="utf-8")
    with pytest.raises(
        DataError, match=r"via\.csv, row 2: region_count says '2', but a\.jpg has 1"
    ):
        parse_labels(list_source(tmp_path))
    table.write_text(text.replace('""x"":10', '""x:10'), encoding="utf-8")
    with pytest.raises(
        DataError, match=r"via\.csv, row 2, region_shape_attributes: not valid JSON"
    ):
        parse_labels(list_source(tmp_path))


def test_a_folder_without_files_of_via_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("filename,class\n", encoding="utf-8")
    assert find_labels(list_source(tmp_path)) == []
    with pytest.raises(DataError, match="expected a project, a JSON or a CSV of VGG"):
        parse_labels(list_source(tmp_path))
