"""No cell begins a formula, and every cell is read back as it was."""

from __future__ import annotations

import pytest

from sparrow.spreadsheet import as_cell, from_cell

FORMULAS = (
    '=HYPERLINK("http://x.example","look")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
    "=cmd|'/C calc'!A0", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x", " =1", "\u00a0=1",
    "'=1", "''=1", "'-",
    "=", "-.jpg", "@home by the pond",
)  # fmt: skip
PLAIN = ("", "a.jpg", "3 sparrows", "'", "''", "'quoted'", "a=b", "Ada-Maria", "O'Hara", "1-2", "é")


@pytest.mark.parametrize("text", [*PLAIN, *FORMULAS])
def test_a_cell_comes_back(text: str) -> None:
    assert from_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_a_formula(text: str) -> None:
    assert as_cell(text) == "'" + text


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_is_left_alone(text: str) -> None:
    assert as_cell(text) == text
