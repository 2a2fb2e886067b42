"""Text cells that a spreadsheet shows and does not run as formulas, and the way back."""

from __future__ import annotations

MARK = "'"  # what a spreadsheet itself takes as "this cell is text"
# The signs that begin a formula; some spreadsheets take the full-width forms of four of them too.
_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def as_cell(text: str) -> str:
    """The text for a table that people open: ``=1+1`` becomes ``'=1+1``; most are unchanged.

    ``from_cell`` gives back exactly what went in, whatever it is.
    """
    return MARK + text if _would_run(text.lstrip(MARK)) else text


def from_cell(cell: str) -> str:
    """What ``as_cell`` was given."""
    return cell[1:] if cell.startswith(MARK) and _would_run(cell.lstrip(MARK)) else cell


def _would_run(text: str) -> bool:
    # Some programs drop the blanks before the first sign.
    return text.startswith(_STARTS) or text.lstrip().startswith(_STARTS)
