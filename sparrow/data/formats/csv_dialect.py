"""How a table is written: its encoding, its separator, its decimal sign. Told, never guessed."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sparrow.data.errors import DataError

SEPARATORS = (",", ";", "\t")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITH_DECIMALS = re.compile(r"\s*[+-]?\d+([.,])\d+\s*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written.

    Attributes:
        encoding: of its bytes.
        separator: between its cells.
        decimal: of its numbers, "." or ",".
    """

    encoding: str
    separator: str
    decimal: str = "."


def decode_table(path: Path, content: bytes, *, western: bool) -> tuple[str, str]:
    """A table's text and its encoding.

    Args:
        path: for messages.
        content: its bytes.
        western: what is no UTF-8 and has no mark is read as cp1252, as spreadsheets of western
            Windows write it; whoever asks for that must say so.

    Raises:
        DataError: it is in no encoding that can be told.
    """
    encoding = next((codec for mark, codec in _MARKS if content.startswith(mark)), "utf-8")
    for tried in (encoding, *(("cp1252",) if western and encoding == "utf-8" else ())):
        try:
            return content.decode(tried), tried
        except UnicodeDecodeError as error:
            reason = error
    name = encoding.removesuffix("-sig").upper()
    raise DataError(f"{path}: not {name} text ({reason}); save it again as UTF-8")


def separator_of(header: str) -> str:
    """What separates the names of a header: the sign that makes most of them."""
    return max(SEPARATORS, key=lambda sign: len(next(csv.reader([header], delimiter=sign), [])))


def dialect_of(path: Path, text: str, encoding: str, columns: tuple[str, ...] = ()) -> Dialect:
    """The dialect of a table, by its header and its first rows.

    Args:
        path: for messages.
        text: the table, or its beginning.
        encoding: as ``decode_table`` found it.
        columns: whose numbers say the decimal sign; none looks into all cells.

    Raises:
        DataError: some of its numbers have a decimal comma and some a point.
    """
    separator = separator_of(text.partition("\n")[0].rstrip("\r"))
    if separator == ",":
        return Dialect(encoding, separator)
    try:
        signs = _decimal_signs(
            csv.reader(io.StringIO(text, newline=""), delimiter=separator), columns
        )
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV table ({error})") from error
    if len(signs) > 1:
        raise DataError(
            f"{path}: some numbers have a decimal comma and some a decimal point; write one of both"
        )
    return Dialect(encoding, separator, *signs)


def _decimal_signs(rows: Iterator[list[str]], columns: tuple[str, ...]) -> set[str]:
    """The decimal signs of all numbers in the columns, of all columns where none is named."""
    signs: set[str] = set()
    header = [cell.strip() for cell in next(rows, [])]
    chosen = [i for i, name in enumerate(header) if not columns or name in columns]
    for row in rows:
        for cell in (row[i] for i in chosen if i < len(row)):
            if number := _WITH_DECIMALS.fullmatch(cell):
                signs.add(number.group(1))
    return signs
