"""Tables of boxes: the contract's two, and the single ones that other programs write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from sparrow.data.errors import DataError
from sparrow.data.formats.csv_cells import Cells, Row, number, read_cells
from sparrow.data.formats.csv_columns import Columns, columns_of
from sparrow.data.formats.csv_contract import contract_tables, parse_contract
from sparrow.data.formats.described import (
    DescribedBox,
    DescribedPhoto,
    DescribedSet,
    PhotoName,
    Remark,
)
from sparrow.data.formats.source_files import SourceFiles

_SUFFIXES = (".csv", ".tsv")
_BRACKETS = re.compile(r"^[\[(]|[\])]$")


def find_labels(files: SourceFiles) -> list[str]:
    """The contract's two tables, else every table that holds boxes."""
    if contract := contract_tables(files):
        return list(contract)
    labels = []
    for name in files.with_suffix(*_SUFFIXES):
        try:
            if columns_of(read_cells(files, name)):
                labels.append(name)
        except DataError:
            continue
    return labels


def parse_labels(files: SourceFiles) -> DescribedSet:
    """What the tables of a set say.

    Raises:
        DataError: there is none; a cell is no number; a class or a name is missing.
    """
    if contract := contract_tables(files):
        return parse_contract(files, *contract)
    labels: list[str] = []
    remarks: list[Remark] = []
    photos: list[DescribedPhoto] = []
    for name in files.with_suffix(*_SUFFIXES):
        cells = read_cells(files, name)
        columns = columns_of(cells)
        if columns is None:
            remarks.append(Remark("tables hold no boxes and were not read", name))
            continue
        labels.append(name)
        remark_dialect(cells, remarks)
        photos += _describe(cells, columns, remarks)
    if not labels:
        raise DataError(
            "expected image_info.csv and bboxes/bounding_boxes.csv, or a table with columns such "
            "as filename, class, xmin, ymin, xmax, ymax"
        )
    return DescribedSet(labels, photos, remarks)


def remark_dialect(cells: Cells, remarks: list[Remark]) -> None:
    """Say what of a table's dialect was an assumption."""
    if cells.dialect.encoding == "cp1252":
        remarks.append(Remark("tables are not UTF-8 and were read as Windows-1252", cells.name))


def _describe(cells: Cells, columns: Columns, remarks: list[Remark]) -> list[DescribedPhoto]:
    by_photo: dict[str, list[Row]] = {}
    for row in cells.rows[columns.first_row :]:
        name = row.cells[columns.name].strip()
        if not name:
            raise DataError(f"{row.where}: expected a photo's name, found none")
        by_photo.setdefault(name, []).append(row)
    folder = str(PurePosixPath(cells.name).parent)
    folder = "" if folder == "." else folder
    folders = (folder, f"{folder}/images".lstrip("/"))
    boxes = {
        name: [box for row in rows for box in _boxes(row, cells, columns, remarks)]
        for name, rows in by_photo.items()
    }
    fractions = _are_fractions([box for some in boxes.values() for box in some])
    if fractions:
        remarks.append(Remark("tables hold fractions of the photo's sides", cells.name))
    return [
        DescribedPhoto(
            PhotoName(name, folders),
            rows[0].where,
            boxes[name],
            size=_size(rows, cells, columns),
            in_fractions=fractions,
        )
        for name, rows in by_photo.items()
    ]


def _boxes(
    row: Row, cells: Cells, columns: Columns, remarks: list[Remark]
) -> Iterator[DescribedBox]:
    """The box of a row; none of a row that only names its photo."""
    texts = [row.cells[index] for index in columns.box]
    label = row.cells[columns.label].strip() if columns.label is not None else ""
    if not any(text.strip() for text in texts):
        if label:
            what = "rows with a class and no box were left out: they are about a whole photo"
            remarks.append(Remark(what, row.where))
        return
    if columns.label is not None and not label:
        raise DataError(f"{row.where}: has a box and no class")
    if len(texts) == 1:
        texts = _BRACKETS.sub("", texts[0].strip()).replace(";", ",").split(",")
        if len(texts) != 4:
            raise DataError(
                f"{row.where}: expected [x, y, width, height], found {row.cells[columns.box[0]]!r}"
            )
        remarks.append(Remark("boxes of one cell were read as x, y, width, height", row.where))
    numbers = [number(text, cells.dialect, row.where) for text in texts]
    yield DescribedBox(label, columns.to_xyxy(numbers), row.where)


def _are_fractions(boxes: list[DescribedBox]) -> bool:
    """Whether no number is above 1 and some are no whole pixels: such boxes cannot be pixels."""
    numbers = [value for box in boxes for value in box.xyxy]
    return (
        bool(numbers)
        and all(0 <= value <= 1 for value in numbers)
        and any(value not in (0, 1) for value in numbers)
    )


def _size(rows: list[Row], cells: Cells, columns: Columns) -> tuple[int, int] | None:
    """The photo's size, which all of its rows must say alike."""
    if columns.size is None:
        return None
    sizes: dict[tuple[int, int], str] = {}
    for row in rows:
        texts = [row.cells[index] for index in columns.size]
        if all(text.strip() for text in texts):
            width, height = (int(number(text, cells.dialect, row.where)) for text in texts)
            sizes.setdefault((width, height), row.where)
    if len(sizes) > 1:
        said = " and ".join(f"{w} × {h} ({where})" for (w, h), where in sizes.items())
        raise DataError(f"{rows[0].cells[columns.name]!r} has two sizes: {said}; correct one")
    size = next(iter(sizes), None)
    return size if size and min(size) > 0 else None
