"""VGG Image Annotator 2 (and 1): its project, its JSON, its CSV, with shapes in pixels from 0."""

from __future__ import annotations

import math
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.described import (
    DescribedBox,
    DescribedPhoto,
    DescribedSet,
    PhotoName,
    Remark,
)
from sparrow.data.formats.json_values import (
    Item,
    item_of,
    json_trees,
    numbers_of,
    objects,
    shown,
    text_of,
    unread,
)
from sparrow.data.formats.photo_folders import photo_folders
from sparrow.data.formats.shapes import Corners, around, ellipse_box
from sparrow.data.formats.source_files import SourceFiles
from sparrow.data.formats.via_class import class_attribute, class_of
from sparrow.data.formats.via_csv import find_tables, read_table

_PHOTOS = "_via_img_metadata"
_NO_AREA = ("point", "polyline", "line")


def find_labels(files: SourceFiles) -> list[str]:
    """Projects, annotation files and tables of VIA."""
    named = [name for name, tree in json_trees(files) if _is_via(tree)]
    return named + find_tables(files)


def parse_labels(files: SourceFiles, attribute: str = "") -> DescribedSet:
    """What all VIA files of a set say.

    Args:
        files: of the set.
        attribute: of the regions, which is their class; "" takes the one that can be told.

    Raises:
        DataError: there is none; one is damaged; several attributes may be the class; a region has
            no class.
    """
    names = find_labels(files)
    remarks = unread(files, names, "a project, a JSON or a CSV of VGG Image Annotator 2")
    photos = []
    for name in names:
        photos += _describe(name, _entries(files, name, remarks), attribute, remarks)
    return DescribedSet(names, photos, remarks)


def _is_via(tree: Any) -> bool:
    if not isinstance(tree, dict) or not tree:
        return False
    first = next(iter(tree.values()))
    return _PHOTOS in tree or (isinstance(first, dict) and {"filename", "regions"} <= first.keys())


def _entries(files: SourceFiles, name: str, remarks: list[Remark]) -> list[tuple[str, Item]]:
    """The photos of a file and where each is told; all forms as the annotation file has them."""
    if not name.lower().endswith(".json"):
        return read_table(files, name, remarks)
    tree = files.json(name)
    metadata = item_of(tree.get(_PHOTOS, tree), f"{name}, {_PHOTOS!r}")
    return [
        (f"{name}, {key!r}", item_of(value, f"{name}, {key!r}")) for key, value in metadata.items()
    ]


def _describe(
    name: str, entries: list[tuple[str, Item]], chosen: str, remarks: list[Remark]
) -> list[DescribedPhoto]:
    regions = {where: _regions(entry, where) for where, entry in entries}
    told = [region for some in regions.values() for region in some]
    attributes = [region["region_attributes"] for region in told]
    attribute = class_attribute(name, attributes, chosen, remarks)
    photos = []
    for where, entry in entries:
        text = text_of(entry.get("filename"), f"{where}, 'filename'")
        boxes = [
            box
            for number, region in enumerate(regions[where], start=1)
            if (box := _box(region, f"{where}, region {number}", attribute, remarks))
        ]
        name_told = PhotoName(text, photo_folders(name))
        unboxed = bool(regions[where]) and not boxes
        photos.append(DescribedPhoto(name_told, where, boxes, unboxed=unboxed))
    return photos


def _regions(entry: Item, where: str) -> list[Item]:
    """The regions of a photo; VIA 1 numbers them in an object."""
    told = entry.get("regions")
    regions = objects(list(told.values()) if isinstance(told, dict) else told, where)
    for number, region in enumerate(regions, start=1):
        for key in ("shape_attributes", "region_attributes"):
            item_of(region.get(key), f"{where}, region {number}, {key!r}")
    return regions


def _box(region: Item, where: str, attribute: str, remarks: list[Remark]) -> DescribedBox | None:
    shape = region["shape_attributes"]
    kind = shape.get("name")
    if kind in _NO_AREA:
        remarks.append(Remark("points and lines were left out: they have no box", where))
        return None
    label = class_of(region["region_attributes"], attribute, where)
    if kind != "rect":
        remarks.append(Remark(f"boxes were made from shapes: {kind}", where))
    encloses = kind in ("circle", "ellipse")
    return DescribedBox(label, _corners(shape, where), where, encloses=encloses)


def _corners(shape: Item, where: str) -> Corners:
    kind = shape.get("name")
    if kind == "rect":
        x, y, width, height = numbers_of(shape, ("x", "y", "width", "height"), where)
        return x, y, x + width, y + height
    if kind == "circle":
        x, y, radius = numbers_of(shape, ("cx", "cy", "r"), where)
        return x - radius, y - radius, x + radius, y + radius
    if kind == "ellipse":
        x, y, radius_x, radius_y = numbers_of(shape, ("cx", "cy", "rx", "ry"), where)
        (radians,) = numbers_of({"theta": 0, **shape}, ("theta",), where)
        return ellipse_box((x, y), (radius_x, radius_y), math.degrees(radians))
    if kind != "polygon":
        raise DataError(
            f"{where}: expected a rect, polygon, circle or ellipse, found {shown(kind)}"
        )
    return around(_polygon(shape, where))


def _polygon(shape: Item, where: str) -> list[tuple[float, float]]:
    x, y = (shape.get(f"all_points_{axis}") for axis in "xy")
    if not isinstance(x, list) or not isinstance(y, list) or len(x) != len(y) or len(x) < 3:
        raise DataError(f"{where}: expected all_points_x and all_points_y of 3 or more points")
    keys = tuple(map(str, range(len(x))))
    columns = (numbers_of(dict(zip(keys, axis, strict=True)), keys, where) for axis in (x, y))
    return list(zip(*columns, strict=True))
