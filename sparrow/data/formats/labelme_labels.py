"""LabelMe's JSON: a file for each photo, with shapes in pixels; X-AnyLabeling writes the same."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import Any

from sparrow.data.formats.described import (
    DescribedBox,
    DescribedPhoto,
    DescribedSet,
    PhotoName,
    Remark,
)
from sparrow.data.formats.json_values import (
    Item,
    json_trees,
    objects,
    points_of,
    size_of,
    text_of,
    unread,
)
from sparrow.data.formats.photo_folders import photo_folders
from sparrow.data.formats.shapes import Corners, around
from sparrow.data.formats.source_files import SourceFiles

_NO_AREA = ("point", "points", "line", "linestrip")


def find_labels(files: SourceFiles) -> list[str]:
    """JSON files with shapes and the name or the size of their photo."""
    return [name for name, tree in json_trees(files) if _is_labelme(tree)]


def parse_labels(files: SourceFiles) -> DescribedSet:
    """What all LabelMe files of a set say.

    Raises:
        DataError: there is none; one is damaged; a shape has no label or no points.
    """
    names = find_labels(files)
    remarks = unread(files, names, "LabelMe files (*.json with 'shapes' and 'imagePath')")
    photos = [_describe(name, files.json(name), remarks) for name in names]
    return DescribedSet(names, photos, remarks)


def _is_labelme(tree: Any) -> bool:
    told = {"imagePath", "imageHeight", "imageWidth", "imageData"}
    return isinstance(tree, dict) and "shapes" in tree and bool(told & tree.keys())


def _describe(name: str, tree: Item, remarks: list[Remark]) -> DescribedPhoto:
    shapes = objects(tree["shapes"], f"{name}, 'shapes'")
    boxes = _boxes(shapes, name, remarks)
    folders, stem = photo_folders(name), PurePosixPath(name).stem
    own_name = PhotoName(stem, folders, is_stem=True)
    said = tree.get("imagePath")
    return DescribedPhoto(
        PhotoName(text_of(said, f"{name}, 'imagePath'"), folders) if said else own_name,
        name,
        boxes,
        size=size_of(tree, ("imageWidth", "imageHeight"), name),
        second_name=own_name if said else None,
        unboxed=bool(shapes) and not boxes,
    )


def _boxes(shapes: list[Item], name: str, remarks: list[Remark]) -> list[DescribedBox]:
    """The boxes of a photo; shapes of one label and group are parts of one object."""
    boxes: dict[tuple[Any, ...], DescribedBox] = {}
    for number, shape in enumerate(shapes, start=1):
        where = f"{name}, shape {number}"
        label = text_of(shape.get("label"), f"{where}, 'label'")
        xyxy = _corners(shape, where, remarks)
        if xyxy is None:
            continue
        group = shape.get("group_id")
        key = (number,) if group is None else (label, str(group))
        if key in boxes:
            remarks.append(Remark("shapes of one group were joined into one box", where))
            xyxy = around(_corner_points(xyxy) + _corner_points(boxes[key].xyxy))
        boxes[key] = DescribedBox(label, xyxy, where, encloses=shape.get("shape_type") == "circle")
    return list(boxes.values())


def _corners(shape: Item, where: str, remarks: list[Remark]) -> Corners | None:
    kind = shape.get("shape_type") or "polygon"  # files before version 4 do not tell
    if kind in _NO_AREA:
        remarks.append(Remark("points and lines were left out: they have no box", where))
        return None
    if kind == "mask":
        x_min, y_min, x_max, y_max = around(points_of(shape.get("points"), where))
        remarks.append(Remark("boxes were made from masks", where))
        return x_min, y_min, x_max + 1, y_max + 1  # its points are the first and last pixel
    points = points_of(
        shape.get("points"), where, least=2 if kind in ("rectangle", "circle") else 3
    )
    if kind == "circle":
        remarks.append(Remark("boxes were made from circles", where))
        (x, y), edge = points[:2]
        radius = math.dist((x, y), edge)
        return x - radius, y - radius, x + radius, y + radius
    if kind != "rectangle":
        remarks.append(Remark("boxes were made from polygons", where))
    return around(points)


def _corner_points(xyxy: Corners) -> list[tuple[float, float]]:
    return [xyxy[:2], xyxy[2:]]
