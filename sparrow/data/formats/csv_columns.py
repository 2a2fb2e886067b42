"""What the columns of a table of boxes are called in the wild, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sparrow.data.errors import DataError
from sparrow.data.formats.csv_cells import Cells

# Of each list the first that a table has is taken.
_NAMES = (
    "image_name", "filename", "file_name", "image_path", "filepath", "file_path", "path", "image",
    "img", "img_name", "image_id", "imageid", "file", "name",
)  # fmt: skip
_LABELS = ("label_name", "class_name", "classname", "class", "label", "category_name", "category")
_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("bbox_xmin", "bbox_ymin", "bbox_xmax", "bbox_ymax"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
_SIDES = (
    ("bbox_x", "bbox_y", "bbox_width", "bbox_height"),
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("bbox_x", "bbox_y", "bbox_w", "bbox_h"),
    ("xmin", "ymin", "width", "height"),
    ("left", "top", "width", "height"),
)
_ONE_CELL = ("bbox",)
_PHOTO_SIZES = (
    ("image_width", "image_height"), ("img_width", "img_height"), ("width", "height"),
)  # fmt: skip

XYXY = tuple[float, float, float, float]


def _of_corners(numbers: Sequence[float]) -> XYXY:
    x_min, y_min, x_max, y_max = numbers
    return x_min, y_min, x_max, y_max


def _of_sides(numbers: Sequence[float]) -> XYXY:
    x, y, width, height = numbers
    return x, y, x + width, y + height


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what, by its number.

    Attributes:
        name: of the photo.
        label: of the box's class; None where the table has none.
        box: four columns, or one that holds ``[x, y, width, height]``.
        to_xyxy: corners from the four numbers.
        size: (width, height) of the photo; None where the table does not tell.
        first_row: the first one that is no header.
    """

    name: int
    label: int | None
    box: tuple[int, ...]
    to_xyxy: Callable[[Sequence[float]], XYXY]
    size: tuple[int, int] | None = None
    first_row: int = 1


def columns_of(cells: Cells) -> Columns | None:
    """The columns of a table of boxes, None of one that holds something else.

    Raises:
        DataError: two columns could be the class.
    """
    header = cells.header
    name = _first(header, _NAMES)
    box = _box_columns(header)
    if name is None or box is None:
        return _without_header(cells)
    labels = [header.index(label) for label in _LABELS if label in header]
    if len(labels) > 1:
        named = " and ".join(header[index] for index in labels)
        raise DataError(f"{cells.name}: the columns {named} could both be the class; keep one")
    columns, to_xyxy = box
    sizes = [tuple(map(header.index, size)) for size in _PHOTO_SIZES if {*size} <= {*header}]
    free = [size for size in sizes if not {*size} & {*columns}]
    size = (free[0][0], free[0][1]) if free else None
    return Columns(name, labels[0] if labels else None, columns, to_xyxy, size)


def _box_columns(
    header: Sequence[str],
) -> tuple[tuple[int, ...], Callable[[Sequence[float]], XYXY]] | None:
    for kinds, to_xyxy in ((_CORNERS, _of_corners), (_SIDES, _of_sides)):
        for columns in kinds:
            if {*columns} <= {*header}:
                return tuple(map(header.index, columns)), to_xyxy
    cell = _first(header, _ONE_CELL)
    return None if cell is None else ((cell,), _of_sides)


def _first(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _without_header(cells: Cells) -> Columns | None:
    """RetinaNet's ``path,x1,y1,x2,y2,class``, in which a photo without boxes has empty cells."""
    rows = [row.cells for row in cells.rows]
    if not rows or len(rows[0]) != 6:
        return None
    alike = sum(bool(row[0].strip()) and _is_box_or_empty(row) for row in rows)
    if 2 * alike < len(rows):  # a damaged row is named when it is read
        return None
    return Columns(0, 5, (1, 2, 3, 4), _of_corners, first_row=0)


def _is_box_or_empty(row: Sequence[str]) -> bool:
    numbers = [cell.strip().lstrip("+-").replace(".", "", 1) for cell in row[1:5]]
    return all(map(str.isdecimal, numbers)) or not any(cell.strip() for cell in row[1:])
