"""One COCO file: its lists, and the values of their entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import finite
from sparrow.data.formats.described import Remark
from sparrow.data.formats.whole_photos import WholePhoto

KEYS = ("images", "annotations", "categories")

Item = dict[str, Any]  # an entry of a COCO file: whatever somebody wrote


@dataclass
class CocoFile:
    """The lists of one file, and its name for messages."""

    name: str
    images: list[Item]
    annotations: list[Item]
    categories: list[Item]
    licenses: list[Item]
    remarks: list[Remark]
    whole_photos: list[WholePhoto]

    def where(self, item: Item) -> str:
        """File and entry, for messages."""
        return f"{self.name}, entry with id {item.get('id')!r}"


def read_file(name: str, tree: Any) -> CocoFile:
    """The lists of a file's JSON.

    Raises:
        DataError: it is not COCO.
    """
    if not isinstance(tree, dict):
        raise DataError(f"{name}: expected a COCO object, found {type(tree).__name__}")
    lists: dict[str, list[Item]] = {}
    for key in (*KEYS, "licenses"):
        items = tree.get(key)
        if items is None and key == "licenses":
            items = []
        if items is None:
            raise DataError(f"{name}: not a COCO instances file: there is no {key!r}")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise DataError(f"{name}: {key!r} must be a list of objects")
        lists[key] = items
    return CocoFile(name, **lists, remarks=[], whole_photos=[])


def id_of(value: Any) -> str:
    """An id by its value: 1, 1.0 and "1" are one id."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def value_of(coco: CocoFile, item: Item, key: str) -> Any:
    """A value that must be there; ids and names are numbers or texts."""
    if item.get(key) is None or isinstance(item[key], (dict, list)):
        raise DataError(f"{coco.where(item)}: {key!r} is missing or not a plain value")
    return item[key]


def polygon_box(polygons: Any, where: str) -> tuple[float, float, float, float] | None:
    """The box around COCO polygons, [x, y, x, y …] or a list of such; None where there is none.

    Raises:
        DataError: a mask, or something else than numbers.
    """
    if not polygons:
        return None
    if isinstance(polygons, dict):
        raise DataError(f"{where}: has a mask and no bbox; expected bbox [x, y, width, height]")
    lists = polygons if isinstance(polygons[0], list) else [polygons]
    if not all(
        isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
        for polygon in lists
    ):
        raise DataError(f"{where}: expected polygons of at least 3 corners [x, y, …]")
    numbers = [finite(polygon, where) for polygon in lists]
    x = [value for polygon in numbers for value in polygon[::2]]
    y = [value for polygon in numbers for value in polygon[1::2]]
    return min(x), min(y), max(x), max(y)
