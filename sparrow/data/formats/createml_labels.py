"""Create ML's JSON: a list of photos whose boxes are centre, width and height in pixels."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedBox, DescribedPhoto, DescribedSet, PhotoName
from sparrow.data.formats.json_values import (
    Item,
    item_of,
    json_trees,
    numbers_of,
    objects,
    text_of,
    unread,
)
from sparrow.data.formats.source_files import SourceFiles

_NAMES, _LISTS = ("image", "imagefilename"), ("annotations", "annotation")
_COORDINATES = ("x", "y", "width", "height")


def find_labels(files: SourceFiles) -> list[str]:
    """JSON files that are lists of photos with annotations."""
    return [name for name, tree in json_trees(files) if _is_createml(tree)]


def parse_labels(files: SourceFiles) -> DescribedSet:
    """What all Create ML files of a set say.

    Raises:
        DataError: there is none; one is damaged; a box has no label or no coordinates.
    """
    names = find_labels(files)
    expected = "a Create ML file (*.json: a list with 'image', 'annotations')"
    remarks = unread(files, names, expected)
    photos = [photo for name in names for photo in _describe(name, files.json(name))]
    return DescribedSet(names, photos, remarks)


def _is_createml(tree: Any) -> bool:
    if not isinstance(tree, list) or not tree or not isinstance(tree[0], dict):
        return False
    return all(any(key in tree[0] for key in keys) for keys in (_NAMES, _LISTS))


def _describe(name: str, tree: Any) -> list[DescribedPhoto]:
    folder = str(PurePosixPath(name).parent)
    photos = []
    for number, item in enumerate(objects(tree, name), start=1):
        where = f"{name}, photo {number}"
        text = text_of(_first(item, _NAMES), f"{where}, 'image'")
        annotations = objects(_first(item, _LISTS), f"{where}, 'annotations'")
        boxes = [
            _box(annotation, f"{where}, annotation {index}")
            for index, annotation in enumerate(annotations, start=1)
        ]
        folders = ("" if folder == "." else folder,)
        photos.append(DescribedPhoto(PhotoName(text, folders), where, boxes))
    _refuse_fractions(name, [box for photo in photos for box in photo.boxes])
    return photos


def _box(annotation: Item, where: str) -> DescribedBox:
    label = text_of(annotation.get("label"), f"{where}, 'label'")
    coordinates = item_of(annotation.get("coordinates"), f"{where}, 'coordinates'")
    x, y, width, height = numbers_of(coordinates, _COORDINATES, where)
    xyxy = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return DescribedBox(label, xyxy, where)


def _refuse_fractions(name: str, boxes: list[DescribedBox]) -> None:
    """The file does not say its unit; Create ML's own is the pixel."""
    if boxes and all(max(box.xyxy) <= 1 for box in boxes):
        raise DataError(
            f"{name}: no coordinate is above 1, so that they are no pixels; expected centre, width "
            "and height in pixels, as Create ML reads them"
        )


def _first(item: Item, keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if key in item), None)
