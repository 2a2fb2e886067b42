"""Values out of somebody else's JSON: of the expected type, or an error that names the place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import finite
from sparrow.data.formats.described import Remark
from sparrow.data.formats.shapes import Point
from sparrow.data.formats.source_files import SourceFiles

Item = dict[str, Any]  # an object of a JSON file: whatever somebody wrote

NOT_READ = "JSON files are of another format and were not read"


def objects(value: Any, where: str) -> list[Item]:
    """A list of objects.

    Raises:
        DataError: it is none.
    """
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise DataError(f"{where}: expected a list of objects, found {shown(value)}")
    return value


def item_of(value: Any, where: str) -> Item:
    """An object.

    Raises:
        DataError: it is none.
    """
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected an object, found {shown(value)}")
    return value


def text_of(value: Any, where: str) -> str:
    """A text that is not blank; a number counts as its digits.

    Raises:
        DataError: something else.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: expected a text, found {shown(value)}")
    return value.strip()


def numbers_of(item: Item, keys: tuple[str, ...], where: str) -> list[float]:
    """The numbers of an object under these keys.

    Raises:
        DataError: one is missing or no finite number; it is named.
    """
    values = [item.get(key) for key in keys]
    for key, value in zip(keys, values, strict=True):
        if not isinstance(value, (int, float, str)) or isinstance(value, bool):
            raise DataError(f"{where}: expected a number as {key!r}, found {shown(value)}")
    return finite(values, where)


def points_of(value: Any, where: str, least: int = 2) -> list[Point]:
    """Points [[x, y], …].

    Raises:
        DataError: it is no list of at least so many points.
    """
    pairs = value if isinstance(value, list) else []
    if len(pairs) < least or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
        raise DataError(f"{where}: expected {least} or more points [x, y], found {shown(value)}")
    return [(x, y) for x, y in (finite(pair, where) for pair in pairs)]


def size_of(item: Item, keys: tuple[str, str], where: str) -> tuple[int, int] | None:
    """(width, height) in pixels under two keys; None where neither is told, or is 0.

    Raises:
        DataError: they are no numbers.
    """
    if all(item.get(key) is None for key in keys):
        return None
    width, height = numbers_of(item, keys, where)
    return (int(width), int(height)) if width > 0 and height > 0 else None


def json_trees(files: SourceFiles) -> Iterator[tuple[str, Any]]:
    """The JSON files of a set that can be read; damaged ones are met again by the parser."""
    for name in files.with_suffix(".json"):
        try:
            yield name, files.json(name)
        except DataError:
            continue


def unread(files: SourceFiles, names: list[str], expected: str) -> list[Remark]:
    """A remark for each JSON file beside the ones that are label files.

    Args:
        names: of the label files.
        expected: what a label file of the format is, for the error.

    Raises:
        DataError: one of the others is damaged, so that it may hold labels; or there is no label
            file.
    """
    read = set(names)
    rest = [name for name in files.with_suffix(".json") if name not in read]
    for name in rest:
        files.json(name)
    if not names:
        raise DataError(f"expected {expected} in it")
    return [Remark(NOT_READ, name) for name in rest]


def shown(value: Any) -> str:
    """A value in an error, shortened."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
