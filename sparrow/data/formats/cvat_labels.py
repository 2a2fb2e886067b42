"""CVAT's own XML, "CVAT for images 1.1": an ``<image>`` for each photo, shapes in pixels from 0."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import finite
from sparrow.data.formats.described import (
    DescribedBox,
    DescribedPhoto,
    DescribedSet,
    PhotoName,
    Remark,
)
from sparrow.data.formats.shapes import Corners, around, ellipse_box, turned_box
from sparrow.data.formats.source_files import SourceFiles
from sparrow.data.formats.whole_photos import WholePhoto, unboxed_photos
from sparrow.data.formats.xml_files import by_root, parse_xml, with_root

_NO_AREA = ("points", "polyline", "skeleton")
_CUBOID = ("tl1", "bl1", "tr1", "br1", "tl2", "bl2", "tr2", "br2")


def find_labels(files: SourceFiles) -> list[str]:
    """The XML files whose root is CVAT's ``<annotations>``."""
    return with_root(files, "annotations")


def parse_labels(files: SourceFiles) -> DescribedSet:
    """What all CVAT files of a set say.

    Raises:
        DataError: there is none; one is damaged or about a video; a label is not declared.
    """
    names, others = by_root(files, "annotations")
    if not names:
        raise DataError('expected CVAT\'s annotations.xml ("CVAT for images 1.1") in it')
    what = "XML files are of another format and were not read"
    remarks = [Remark(what, name) for name in others]
    photos = [p for name in names for p in _describe(name, files.content(name), remarks)]
    return DescribedSet(names, photos, remarks)


def _describe(name: str, content: bytes, remarks: list[Remark]) -> list[DescribedPhoto]:
    root = parse_xml(name, content)
    if root.tag != "annotations":
        raise DataError(f"{name}: expected CVAT's <annotations>, found <{root.tag}>")
    if root.find("track") is not None:
        raise DataError(
            f'{name}: holds <track> elements, as "CVAT for video" has them, which do not name '
            'their photos; export the task once more and choose "CVAT for images 1.1"'
        )
    photos: list[DescribedPhoto] = []
    tags: list[WholePhoto] = []
    declared = {(label.text or "").strip() for label in root.findall("meta//label/name")}
    for number, image in enumerate(root.findall("image"), start=1):
        photo = _photo(image, name, number, remarks)
        _refuse_undeclared(photo, declared)
        photos.append(photo)
        labels = [tag.get("label", "") for tag in image.findall("tag")]
        tags += [WholePhoto(photo.where, label, photo.where) for label in labels]
    if not photos:
        raise DataError(f"{name}: expected an <image> for each photo, found none")
    boxed = {p.where: {box.label for box in p.boxes} for p in photos if p.boxes}
    unboxed = unboxed_photos(tags, boxed)
    return [replace(p, unboxed=p.unboxed or p.where in unboxed) for p in photos]


def _photo(image: ET.Element, name: str, number: int, remarks: list[Remark]) -> DescribedPhoto:
    text = image.get("name", "").strip()
    if not text:
        raise DataError(f"{name}, image {number}: expected its name, found none")
    where = f"{name}, image {number} ({text})"
    boxes = []
    left_out = 0
    for index, shape in enumerate(image, start=1):
        box = _box(shape, f"{where}, shape {index}", remarks)
        boxes += [box] if box else []
        left_out += box is None and shape.tag != "tag"
    return DescribedPhoto(
        PhotoName(text, _folders(image, name)),
        where,
        boxes,
        _size(image, where),
        unboxed=bool(left_out) and not boxes,
    )


def _folders(image: ET.Element, name: str) -> tuple[str, ...]:
    """Where the photos of an export are: ``images``, and in it a folder for each subset."""
    folder, subset = PurePosixPath(name).parent, image.get("subset", "")
    places = [folder / "images" / subset, folder / "images", folder / subset, folder]
    return tuple(dict.fromkeys("" if str(p) == "." else str(p) for p in places))


def _size(image: ET.Element, where: str) -> tuple[int, int] | None:
    texts = [image.get(side, "").strip() for side in ("width", "height")]
    if "" in texts:
        return None
    width, height = finite(texts, where)
    return (int(width), int(height)) if width > 0 and height > 0 else None


def _box(shape: ET.Element, where: str, remarks: list[Remark]) -> DescribedBox | None:
    """The box of a shape; None of what has none."""
    if shape.tag == "tag":
        remarks.append(Remark("tags were left out: they are about a whole photo", where))
        return None
    if shape.tag in _NO_AREA:
        remarks.append(Remark("points and lines were left out: they have no box", where))
        return None
    if shape.tag not in _CORNERS:
        known = ", ".join(_CORNERS)
        raise DataError(f"{where}: <{shape.tag}> is none of the shapes that are read ({known})")
    label = shape.get("label", "").strip()
    if not label:
        raise DataError(f"{where}: expected a label, found none")
    if shape.find("attribute") is not None:
        remarks.append(Remark("boxes have attributes, which were left out", where))
    if shape.tag != "box":
        remarks.append(Remark(f"boxes were made from shapes: <{shape.tag}>", where))
    xyxy = _CORNERS[shape.tag](shape, where)
    (degrees,) = finite([shape.get("rotation", "0")], where)
    if degrees % 360:
        what = "turned shapes were replaced by the upright box around them"
        remarks.append(Remark(what, where))
        if shape.tag != "ellipse":
            xyxy = turned_box(xyxy, degrees)
    encloses = shape.tag == "ellipse" or degrees % 360 != 0
    return DescribedBox(label, xyxy, where, encloses=encloses)


def _numbers(shape: ET.Element, keys: tuple[str, ...], where: str) -> list[float]:
    missing = [key for key in keys if shape.get(key) is None]
    if missing:
        raise DataError(f"{where}: expected {', '.join(keys)}; there is no {missing[0]}")
    return finite([shape.get(key) for key in keys], where)


def _of_box(shape: ET.Element, where: str) -> Corners:
    x_min, y_min, x_max, y_max = _numbers(shape, ("xtl", "ytl", "xbr", "ybr"), where)
    return x_min, y_min, x_max, y_max


def _of_polygon(shape: ET.Element, where: str) -> Corners:
    pairs = [pair.split(",") for pair in shape.get("points", "").split(";")]
    if len(pairs) < 3 or any(len(pair) != 2 for pair in pairs):
        written = shape.get("points")
        raise DataError(f"{where}: expected 3 or more points x,y;x,y…, found {written!r}")
    return around((x, y) for x, y in (finite(pair, where) for pair in pairs))


def _of_ellipse(shape: ET.Element, where: str) -> Corners:
    x, y, radius_x, radius_y = _numbers(shape, ("cx", "cy", "rx", "ry"), where)
    (degrees,) = finite([shape.get("rotation", "0")], where)
    return ellipse_box((x, y), (radius_x, radius_y), degrees)


def _of_mask(shape: ET.Element, where: str) -> Corners:
    left, top, width, height = _numbers(shape, ("left", "top", "width", "height"), where)
    return left, top, left + width, top + height


def _of_cuboid(shape: ET.Element, where: str) -> Corners:
    corners = [_numbers(shape, (f"x{key}", f"y{key}"), where) for key in _CUBOID]
    return around((x, y) for x, y in corners)


_CORNERS: dict[str, Callable[[ET.Element, str], Corners]] = {
    "box": _of_box,
    "polygon": _of_polygon,
    "mask": _of_mask,
    "ellipse": _of_ellipse,
    "cuboid": _of_cuboid,
}


def _refuse_undeclared(photo: DescribedPhoto, declared: set[str]) -> None:
    """A label that the file's own list does not have; files without a list are read."""
    for box in photo.boxes if declared else ():
        if box.label not in declared:
            raise DataError(
                f"{box.where}: there is no label {box.label!r}; declared are "
                f"{', '.join(sorted(declared))}"
            )
