"""The regions of a Label Studio annotation: shapes in percent of the photo's sides, and classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedBox, Remark
from sparrow.data.formats.json_values import Item, item_of, numbers_of, points_of, size_of
from sparrow.data.formats.shapes import Corners, around, ellipse_box, turned_box

_RECTANGLE = ("x", "y", "width", "height")
_ELLIPSE = ("x", "y", "radiusX", "radiusY")


@dataclass(frozen=True)
class Region:
    """A shape as Label Studio has it.

    Attributes:
        kind: "rectangle", "ellipse", "polygon", "mask", "point".
        numbers: of its corners or radii, in percent of the sides.
        labels: its classes.
        degrees: clockwise, a rectangle about its first corner, an ellipse about its centre.
        size: (width, height) of the photo in pixels, None where it is not told.
        where: file and place.
        name: which the results about one shape share; "" in JSON-MIN.
    """

    kind: str
    numbers: tuple[float, ...]
    labels: tuple[str, ...]
    degrees: float
    size: tuple[int, int] | None
    where: str
    name: str

    @property
    def geometry(self) -> tuple[Any, ...]:
        """What the results about one shape share."""
        return (self.name, self.kind, self.numbers, self.degrees)


def region_of(item: Item, where: str) -> Region | None:
    """The shape of a result; None of an answer about the whole photo, or of a relation.

    Raises:
        DataError: the shape is damaged, or the photo was turned in Label Studio.
    """
    value = item.get("value", {})
    item_of(value, f"{where}, 'value'")
    kind = _kind(value)
    if kind is None:
        return None
    if item.get("image_rotation") not in (None, 0, 360):
        raise DataError(
            f"{where}: its photo was turned by {item['image_rotation']}° in Label Studio, and on "
            "which pixels the shape was drawn cannot be told; turn the photo back there and check "
            "its shapes, or turn the file"
        )
    numbers: list[float] = []
    if kind in ("rectangle", "ellipse"):
        numbers = numbers_of(value, _RECTANGLE if kind == "rectangle" else _ELLIPSE, where)
    elif kind == "polygon":
        numbers = [n for point in points_of(value["points"], where, least=3) for n in point]
    (degrees,) = numbers_of({"rotation": value.get("rotation") or 0}, ("rotation",), where)
    size = size_of(item, ("original_width", "original_height"), where)
    labels, name = _labels(value, where), str(item.get("id") or "")
    return Region(kind, tuple(numbers), labels, degrees, size, where, name)


def _kind(value: Item) -> str | None:
    if "rle" in value or str(value.get("format", "")).startswith("rle"):
        return "mask"
    if "points" in value:
        return "polygon"
    if "vertices" in value or "sequence" in value:
        return "point"
    if "radiusX" in value:
        return "ellipse"
    if "x" in value and "y" in value:
        return "rectangle" if "height" in value else "point"
    return None


def _labels(value: Item, where: str) -> tuple[str, ...]:
    """The classes of a region: the list under "rectanglelabels", "polygonlabels", "labels" …"""
    classes: list[str] = []
    for key, labels in value.items():
        if key.endswith("labels") and labels is not None:
            if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
                raise DataError(f"{where}: expected a list of classes as {key!r}, found {labels!r}")
            classes += [label.strip() for label in labels]
    return tuple(dict.fromkeys(classes))


def box_of(region: Region, remarks: list[Remark]) -> DescribedBox | None:
    """The box of a region in fractions of the sides; None of a point or a line.

    Raises:
        DataError: it has no class or several, is a mask, or is turned in a photo of unknown size.
    """
    where = region.where
    if region.kind == "point":
        remarks.append(Remark("points and lines were left out: they have no box", where))
        return None
    if region.kind == "mask":
        raise DataError(
            f"{where}: is a brush's mask, which is not read; expected a rectangle, an ellipse or a "
            "polygon: convert it in Label Studio, or delete it"
        )
    if len(region.labels) != 1:
        classes = ", ".join(region.labels) or "none"
        raise DataError(f"{where}: expected one class for each region, found {classes}")
    if region.kind != "rectangle":
        remarks.append(Remark(f"boxes were made from shapes: {region.kind}", where))
    encloses = region.kind == "ellipse" or region.degrees % 360 != 0
    return DescribedBox(region.labels[0], _fractions(region, remarks), where, encloses=encloses)


def _fractions(region: Region, remarks: list[Remark]) -> Corners:
    if region.kind == "polygon":
        xyxy = around(zip(region.numbers[::2], region.numbers[1::2], strict=True))
        return _scaled(xyxy, (0.01, 0.01))
    if region.degrees % 360 == 0:
        x, y, a, b = region.numbers
        flat = (x, y, x + a, y + b) if region.kind == "rectangle" else (x - a, y - b, x + a, y + b)
        return _scaled(flat, (0.01, 0.01))
    if region.size is None:
        raise DataError(
            f"{region.where}: is turned by {region.degrees:g}°, and its photo's size is not told; "
            "expected original_width and original_height, as Label Studio exports them"
        )
    remarks.append(
        Remark("turned shapes were replaced by the upright box around them", region.where)
    )
    # In percent a turn would shear the shape: the sides differ in length.
    width, height = region.size
    x, y, a, b = _pixels(region.numbers, region.size)
    if region.kind == "rectangle":
        turned = turned_box((x, y, x + a, y + b), region.degrees, pivot=(x, y))
    else:
        turned = ellipse_box((x, y), (a, b), region.degrees)
    return _scaled(turned, (1 / width, 1 / height))


def _pixels(numbers: tuple[float, ...], size: tuple[int, int]) -> list[float]:
    return [number * size[index % 2] / 100 for index, number in enumerate(numbers)]


def _scaled(xyxy: Corners, by: tuple[float, float]) -> Corners:
    x_min, y_min, x_max, y_max = xyxy
    return x_min * by[0], y_min * by[1], x_max * by[0], y_max * by[1]


def size_of_photo(regions: list[Region], where: str) -> tuple[int, int] | None:
    """The size that the regions tell.

    Raises:
        DataError: they tell several.
    """
    sizes = {region.size for region in regions if region.size}
    if len(sizes) > 1:
        said = " and ".join(f"{width} × {height}" for width, height in sorted(sizes))
        raise DataError(f"{where}: its regions tell two sizes of the photo: {said}; correct one")
    return next(iter(sizes), None)
