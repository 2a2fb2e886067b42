"""VIA's CSV: a row for each region, whose shape and attributes are JSON in a cell."""

from __future__ import annotations

import json
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.csv_cells import read_cells
from sparrow.data.formats.csv_labels import remark_dialect
from sparrow.data.formats.described import Remark
from sparrow.data.formats.json_values import Item, item_of
from sparrow.data.formats.source_files import SourceFiles

_SHAPE, _ATTRIBUTES = "region_shape_attributes", "region_attributes"
_COLUMNS = ("filename", "region_count", _SHAPE, _ATTRIBUTES)


def find_tables(files: SourceFiles) -> list[str]:
    """Tables whose first row has VIA's columns."""
    return [name for name in files.with_suffix(".csv", ".tsv") if _is_via(files, name)]


def read_table(files: SourceFiles, name: str, remarks: list[Remark]) -> list[tuple[str, Item]]:
    """The photos of a table and where each is told, in the form of VIA's JSON.

    Raises:
        DataError: it is no table, a cell is no JSON, a number of regions is not that of the rows.
    """
    table = read_cells(files, name)
    remark_dialect(table, remarks)
    header = [column.lstrip("#") for column in table.header]  # VIA 1 writes "#filename"
    photos: dict[str, tuple[str, Item]] = {}
    for row in table.rows[1:]:
        told = dict(zip(header, row.cells, strict=True))
        new = {"filename": told["filename"], "regions": [], "told": told["region_count"]}
        regions: list[Item] = photos.setdefault(told["filename"], (row.where, new))[1]["regions"]
        if shape := _json(told[_SHAPE], f"{row.where}, {_SHAPE}"):
            attributes = _json(told[_ATTRIBUTES], f"{row.where}, {_ATTRIBUTES}")
            regions.append({"shape_attributes": shape, "region_attributes": attributes})
    for where, entry in photos.values():
        if str(entry["told"]).strip() != str(len(entry["regions"])):
            raise DataError(
                f"{where}: region_count says {entry['told']!r}, but {entry['filename']} has "
                f"{len(entry['regions'])} rows with a region; is the file whole?"
            )
    return list(photos.values())


def _is_via(files: SourceFiles, name: str) -> bool:
    """Whether the first row has VIA's columns, whatever separates them."""
    try:
        first = files.head(name).replace(b"\0", b"").partition(b"\n")[0].lower()
    except DataError:
        return False
    return all(column.encode() in first for column in _COLUMNS)


def _json(cell: str, where: str) -> Item:
    try:
        value: Any = json.loads(cell or "{}")  # whatever the cell holds
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON ({error})") from error
    return item_of(value, where)
