from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sparrow.data.errors import DataError
from sparrow.data.formats.imports import Credits, Target, import_set, read_set
from sparrow.data.tables import XYXY

VOC = """<annotation><filename>{name}</filename><size><width>40</width><height>30</height></size>
<object><name>raccoon</name><bndbox><xmin>{xmin}</xmin><ymin>1</ymin><xmax>40</xmax><ymax>30</ymax>
</bndbox></object></annotation>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<annotation><filename>&b;</filename></annotation>"""


def write_photo(path: Path, width_px: int = 40, height_px: int = 30) -> None:
    """A plain green photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width_px, height_px), (90, 120, 60)).save(path)


def _voc(folder: Path, xml: str, photos: str = "images", xmls: str = "annotations") -> Path:
    write_photo(folder / photos / "a.jpg")
    (folder / xmls).mkdir(exist_ok=True)
    (folder / xmls / "a.xml").write_text(xml, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("photos", "xmls"), [("images", "annotations"), ("JPEGImages", "Annotations")]
)
def test_voc_counts_from_one_and_includes_the_last_pixel(
    tmp_path: Path, photos: str, xmls: str
) -> None:
    _voc(tmp_path, VOC.format(name="a.jpg", xmin=1), photos, xmls)
    dataset = import_set("voc", tmp_path, Target(tmp_path / "into", Credits(author="Ada"))).dataset
    # 1..40 of 40 columns and 1..30 of 30 rows: the whole photo.
    assert dataset.boxes[XYXY].to_numpy().tolist() == [[0, 0, 40, 30]]
    assert dataset.boxes["label"].tolist() == ["raccoon"]
    assert dataset.images["author"].tolist() == ["Ada"]
    assert dataset.image_path("a.jpg").is_file()


def test_voc_zero_of_programs_that_count_from_zero_stays_zero(tmp_path: Path) -> None:
    _voc(tmp_path, VOC.format(name="a.jpg", xmin=0))
    assert read_set("voc", tmp_path).dataset.boxes["x_min_px"].tolist() == [0]


def test_voc_photo_may_be_named_by_the_xml_file(tmp_path: Path) -> None:
    _voc(tmp_path, VOC.format(name="elsewhere.png", xmin=1))
    assert read_set("voc", tmp_path).dataset.images["image"].tolist() == ["images/a.jpg"]


def test_voc_photo_without_xml_is_an_error(tmp_path: Path) -> None:
    _voc(tmp_path, VOC.format(name="a.jpg", xmin=1))
    write_photo(tmp_path / "images" / "b.jpg")
    with pytest.raises(DataError, match=r"b\.jpg"):
        read_set("voc", tmp_path)


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (BOMB, "DOCTYPE"),
        ("<annotation>", "not valid XML"),
        ("", "not valid XML"),
        ("<html></html>", "expected a VOC"),
        (VOC.format(name="a.jpg", xmin="left"), "'left'"),
        (VOC.format(name="a.jpg", xmin="nan"), "'nan'"),
        (VOC.format(name="a.jpg", xmin=1).replace("raccoon", ""), "expected a name"),
    ],
)
def test_voc_refuses(tmp_path: Path, xml: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as error:
        read_set("voc", _voc(tmp_path, xml))
    assert "a.xml" in str(error.value)
