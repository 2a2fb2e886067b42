"""VIA's CSV: a row for each region, whose shape and attributes are JSON in a cell."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.json_values import Item, item_of
from sparrow.data.formats.source_files import SourceFiles

_SHAPE, _ATTRIBUTES = "region_shape_attributes", "region_attributes"
_COLUMNS = ("filename", "region_count", _SHAPE, _ATTRIBUTES)
_SEPARATORS = (",", ";", "\t")  # spreadsheets write the others


def find_tables(files: SourceFiles) -> list[str]:
    """Tables whose first row has VIA's columns."""
    return [name for name in files.with_suffix(".csv", ".tsv") if _is_via(files, name)]


def read_table(files: SourceFiles, name: str) -> list[tuple[str, Item]]:
    """The photos of a table and where each is told, in the form of VIA's JSON.

    Raises:
        DataError: a row has other columns than the first, a cell is no JSON, a number of regions
            is not that of the rows.
    """
    rows = _rows(files.text(name), name)
    header = [_column(cell) for cell in rows[0][1]]
    photos: dict[str, tuple[str, Item]] = {}
    for where, cells in rows[1:]:
        if len(cells) != len(header):
            raise DataError(
                f"{where}: expected {len(header)} cells, found {len(cells)}; is the file whole?"
            )
        row = dict(zip(header, cells, strict=True))
        new = (where, {"filename": row["filename"], "regions": [], "told": row["region_count"]})
        regions: list[Item] = photos.setdefault(row["filename"], new)[1]["regions"]
        if shape := _json(row[_SHAPE], f"{where}, {_SHAPE}"):
            attributes = _json(row[_ATTRIBUTES], f"{where}, {_ATTRIBUTES}")
            regions.append({"shape_attributes": shape, "region_attributes": attributes})
    for where, entry in photos.values():
        if str(entry["told"]).strip() != str(len(entry["regions"])):
            raise DataError(
                f"{where}: region_count says {entry['told']!r}, but {entry['filename']} has "
                f"{len(entry['regions'])} rows with a region; is the file whole?"
            )
    return list(photos.values())


def _is_via(files: SourceFiles, name: str) -> bool:
    try:
        first = files.head(name).decode("utf-8-sig", "ignore").partition("\n")[0]
    except DataError:
        return False
    header = {_column(cell.strip('"\r ')) for cell in first.split(_separator(first))}
    return set(_COLUMNS) <= header


def _rows(text: str, name: str) -> list[tuple[str, list[str]]]:
    """The rows that are not blank, and where each is."""
    separator = _separator(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((f"{name}, row {reader.line_num}", cells))
    except csv.Error as error:
        raise DataError(f"{name}, row {reader.line_num}: not valid CSV ({error})") from error
    return rows


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


def _column(cell: str) -> str:
    return cell.strip().lstrip("#").lower()  # VIA 1 writes "#filename"


def _json(cell: str, where: str) -> Item:
    try:
        value: Any = json.loads(cell or "{}")  # whatever the cell holds
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON ({error})") from error
    return item_of(value, where)
