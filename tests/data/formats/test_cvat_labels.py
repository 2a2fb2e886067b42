from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparrow.data.errors import DataError
from sparrow.data.formats.cvat_labels import find_labels, parse_labels
from sparrow.data.formats.described import DescribedSet
from sparrow.data.formats.source_files import list_source

BOX = '<box label="gull" xtl="10.00" ytl="6.00" xbr="30.00" ybr="14.00"'
META = "<meta><task><labels><label><name>gull</name></label></labels></task></meta>"


def read(folder: Path, *images: str, meta: str = "") -> DescribedSet:
    """What the parser makes of a file with these photos, a.jpg first."""
    body = "".join(
        f'<image id="{i}" name="{name}.jpg" width="200" height="100">{shapes}</image>'
        for i, (name, shapes) in enumerate(zip("abc", images, strict=False))
    )
    write(folder, meta + body)
    return parse_labels(list_source(folder))


def write(folder: Path, body: str) -> None:
    """A file of CVAT's."""
    text = f"<annotations><version>1.1</version>{body}</annotations>"
    (folder / "annotations.xml").write_text(text, encoding="utf-8")


def boxes(described: DescribedSet) -> list[tuple[Any, ...]]:
    """Label and corners in pixels."""
    return [(box.label, *box.xyxy) for photo in described.photos for box in photo.boxes]


def remarks(described: DescribedSet) -> str:
    """All remarks as one text."""
    return "\n".join(remark.what for remark in described.remarks)


def test_a_frame_without_shapes_is_a_photo_without_objects(tmp_path: Path) -> None:
    (photo,) = read(tmp_path, "").photos
    assert (len(photo.boxes), photo.unboxed, photo.size) == (0, False, (200, 100))


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        (BOX + ' occluded="1" source="auto"/>', (10, 6, 30, 14)),
        (BOX + ' rotation="90.00"/>', (16, 0, 24, 20)),  # about its centre (20, 10)
        ('<polygon label="gull" points="10.5,6.0;30.0,8.0;20.0,14.0"/>', (10.5, 6, 30, 14)),
        ('<ellipse label="gull" cx="50" cy="40" rx="20" ry="10"/>', (30, 30, 70, 50)),
        ('<ellipse label="gull" cx="50" cy="40" rx="20" ry="10" rotation="90"/>', (40, 20, 60, 60)),
        ('<mask label="gull" rle="1, 2" left="5" top="6" width="20" height="10"/>', (5, 6, 25, 16)),
        (
            '<cuboid label="gull" xtl1="5" ytl1="6" xbl1="5" ybl1="20" xtr1="9" ytr1="6" xbr1="9" '
            'ybr1="21" xtl2="8" ytl2="3" xbl2="8" ybl2="18" xtr2="12" ytr2="3" xbr2="12" '
            'ybr2="18"/>',
            (5, 3, 12, 21),
        ),
    ],
)
def test_every_shape_with_an_area_gives_the_box_around_it(
    tmp_path: Path, shape: str, corners: tuple[float, ...]
) -> None:
    assert boxes(read(tmp_path, shape)) == [("gull", *corners)]


def test_what_is_no_box_is_remarked(tmp_path: Path) -> None:
    with_attribute = BOX + '><attribute name="age">young</attribute></box>'
    described = read(tmp_path, with_attribute + '<points label="gull" points="1,2"/>')
    assert boxes(described) == [("gull", 10, 6, 30, 14)]
    assert "attributes, which were left out" in remarks(described)
    assert "points and lines were left out" in remarks(described)


def test_a_photo_with_points_alone_or_a_boxed_class_as_its_tag_is_not_empty(tmp_path: Path) -> None:
    line = '<polyline label="gull" points="1,2;3,4"/>'
    described = read(tmp_path, line, BOX + "/>", '<tag label="gull"/>')
    assert [photo.unboxed for photo in described.photos] == [True, False, True]
    described = read(tmp_path, BOX + "/>", '<tag label="rain"/>')  # no box has that class
    assert [photo.unboxed for photo in described.photos] == [False, False]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (BOX.replace("gull", "tern") + "/>", "there is no label 'tern'; declared are gull"),
        (BOX.replace("gull", "") + "/>", "expected a label, found none"),
        (BOX.replace('xtl="10.00" ', "") + "/>", "there is no xtl"),
        (BOX.replace("10.00", "ten") + "/>", "expected a number, found 'ten'"),
        ('<polygon label="gull" points="1,2;3,4"/>', "3 or more points"),
        ('<star label="gull"/>', "<star> is none of the shapes that are read"),
    ],
)
def test_a_damaged_shape_is_named(tmp_path: Path, shape: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, shape, meta=META)
    assert str(error.value).startswith("annotations.xml, image 1 (a.jpg), shape 1")


def test_a_video_is_refused_with_the_export_to_choose(tmp_path: Path) -> None:
    write(tmp_path, '<track id="0" label="gull"><box frame="0" xtl="1"/></track>')
    with pytest.raises(DataError, match=r'choose "CVAT for images 1\.1"'):
        parse_labels(list_source(tmp_path))


def test_a_file_without_photos_and_a_folder_without_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected CVAT's annotations\.xml"):
        parse_labels(list_source(tmp_path))
    with pytest.raises(DataError, match="expected an <image> for each photo"):
        read(tmp_path)


def test_photos_of_a_subset_are_looked_for_in_its_folder_first(tmp_path: Path) -> None:
    write(tmp_path, '<image id="0" name="a.jpg" subset="Train"/>')
    (photo,) = parse_labels(list_source(tmp_path)).photos
    assert photo.name.folders == ("images/Train", "images", "Train", "")
    (tmp_path / "voc.xml").write_text("<annotation/>", encoding="utf-8")
    assert find_labels(list_source(tmp_path)) == ["annotations.xml"]
