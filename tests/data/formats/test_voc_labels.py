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


@pytest.mark.parametrize(
    ("encoding", "label"),
    [("gb2312", "麻雀"), ("iso-8859-1", "Spatz groß"), ("utf-16", "麻雀"), ("utf-8-sig", "Spatz")],
)
def test_voc_obeys_the_declared_encoding(tmp_path: Path, encoding: str, label: str) -> None:
    xml = VOC.format(name="a.jpg", xmin=1).replace("raccoon", label)
    _voc(tmp_path, "")
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>{xml}'
    (tmp_path / "annotations" / "a.xml").write_bytes(declared.encode(encoding))
    assert read_set("voc", tmp_path).dataset.boxes["label"].tolist() == [label]


def test_voc_text_that_is_not_what_it_declares_is_refused(tmp_path: Path) -> None:
    _voc(tmp_path, "")
    xml = VOC.format(name="a.jpg", xmin=1).replace("raccoon", "groß").encode("latin-1")
    (tmp_path / "annotations" / "a.xml").write_bytes(
        b'<?xml version="1.0" encoding="utf-8"?>' + xml
    )
    with pytest.raises(DataError, match=r"a\.xml: not UTF-8 text, as it declares"):
        read_set("voc", tmp_path)


def test_voc_a_doctype_that_declares_nothing(tmp_path: Path) -> None:
    xml = "<!DOCTYPE annotation>" + VOC.format(name="a.jpg", xmin=1)
    assert len(read_set("voc", _voc(tmp_path, xml)).dataset.boxes) == 1


def test_voc_two_photos_that_one_file_could_mean(tmp_path: Path) -> None:
    _voc(tmp_path, VOC.format(name="b.jpg", xmin=1))
    write_photo(tmp_path / "images" / "b.jpg")
    says = r"a\.xml says that its photo is 'b\.jpg' .* by its own name it is about images/a\.jpg"
    with pytest.raises(DataError, match=says):
        read_set("voc", tmp_path)


def test_voc_corners_in_another_order_are_the_same_box(tmp_path: Path) -> None:
    xml = VOC.format(name="a.jpg", xmin=40).replace("<xmax>40", "<xmax>1")
    with_photos = read_set("voc", _voc(tmp_path, xml))
    assert with_photos.dataset.boxes[XYXY].to_numpy().tolist() == [[0, 0, 40, 30]]
    assert "1 boxes had their corners in another order (annotations/a.xml, object 1)" in (
        with_photos.report.lines()
    )
