"""A table of somebody's spreadsheet or script as rows of cells, each with its line in the file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from sparrow.data.errors import DataError
from sparrow.data.formats.csv import MAX_ROWS
from sparrow.data.formats.csv_dialect import Dialect, decode_table, dialect_of
from sparrow.data.formats.source_files import SourceFiles

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its cells, and where it is."""

    cells: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Cells:
    """A table that was read.

    Attributes:
        name: of the file.
        dialect: how it is written.
        rows: without blank ones; all have as many cells as the first.
    """

    name: str
    dialect: Dialect
    rows: tuple[Row, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The cells of the first row, in small letters and without spaces around them."""
        return tuple(cell.strip().lower() for cell in self.rows[0].cells) if self.rows else ()


def read_cells(files: SourceFiles, name: str) -> Cells:
    """A table of a set.

    Raises:
        DataError: it is no table, a quote does not end, a row has more or fewer cells.
    """
    text, encoding = decode_table(files.path(name), files.content(name), western=True)
    dialect = dialect_of(files.path(name), text, encoding)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separator, strict=True)
    rows: list[Row] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{name}, row {reader.line_num}"
            if rows and len(cells) != len(rows[0].cells):
                raise DataError(
                    f"{where}: has {len(cells)} cells, but the first row has "
                    f"{len(rows[0].cells)}; correct it"
                )
            rows.append(Row(tuple(cells), where))
            if len(rows) > MAX_ROWS:
                raise DataError(f"{name}: more than {MAX_ROWS:,} rows; split the set")
    except csv.Error as error:
        raise DataError(f"{name}, row {reader.line_num}: not a CSV table ({error})") from error
    return Cells(name, dialect, tuple(rows))


def number(cell: str, dialect: Dialect, where: str) -> float:
    """A cell as a number.

    Raises:
        DataError: it is none.
    """
    text = cell.strip()
    if dialect.decimal == ",":
        text = text.replace(",", ".", 1)
    if not _NUMBER.fullmatch(text):
        raise DataError(f"{where}: expected a number, found {cell!r}")
    return float(text)
