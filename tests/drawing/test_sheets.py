"""Contact sheets: each picture in its place, with its words below it."""

from __future__ import annotations

import numpy as np
import pytest

from sparrow.drawing.sheets import SheetStyle, Tile, contact_sheet, filled_rows


def grey(height, width):
    return np.full((height, width, 3), 90, np.uint8)


def filled(sheet):
    """Rows and columns with any pixel of a picture, as (first, last)."""
    rows, columns = np.nonzero((sheet == 90).all(axis=2))
    return (rows.min(), rows.max()), (columns.min(), columns.max())


@pytest.mark.parametrize(
    ("style", "shape"),
    [
        (SheetStyle(3, 50, gap_px=0, square=True), (50, 150, 3)),
        (SheetStyle(3, 50, gap_px=4, square=True), (58, 166, 3)),  # 4 + 50 + 4; 4 + 3 × 54
        (SheetStyle(3, 50, gap_px=4), (9, 166, 3)),
    ],
)
def test_a_sheet_of_nothing_is_paper(style, shape):
    sheet = contact_sheet([], style)
    assert sheet.shape == shape
    assert (sheet == 255).all()


def test_a_row_is_as_high_as_its_highest_picture():
    tiles = [Tile(grey(20, 50)), Tile(grey(40, 10)), Tile(grey(10, 10))]
    sheet = contact_sheet(tiles, SheetStyle(2, 50, gap_px=5))
    assert sheet.shape == (5 + 40 + 5 + 10 + 5, 5 + 2 * 55, 3)
    assert filled(sheet[:50, :60]) == ((5, 24), (5, 54))  # the first, at the top
    assert filled(sheet[:50, 60:]) == ((5, 44), (20, 29))  # the second, in the middle of its column


def test_square_tiles_have_their_picture_in_the_middle():
    sheet = contact_sheet([Tile(grey(20, 50))], SheetStyle(1, 50, gap_px=0, square=True))
    assert sheet.shape == (50, 50, 3)
    assert filled(sheet) == ((15, 34), (0, 49))


def test_words_are_below_the_picture_and_within_its_column():
    tile = Tile(grey(50, 100), "word " * 80, ("a very long credit " * 9,))
    style = SheetStyle(1, 100, gap_px=5, text_lines=3)
    sheet = contact_sheet([tile], style)
    assert sheet.shape[0] == 5 + 50 + style.text_px + 5
    below = sheet[55:]
    assert (below[:, 5:105] < 200).any()
    assert (below[:, 106:] == 255).all()
    bare = contact_sheet([Tile(tile.image)], style)
    assert np.array_equal(sheet[:55], bare[:55])


def test_pictures_are_next_to_their_words():
    tiles = [Tile(grey(20, 50), "low"), Tile(grey(40, 50), "high")]
    sheet = contact_sheet(tiles, SheetStyle(2, 50, gap_px=5, text_lines=1))
    assert filled(sheet[:, :58]) == ((25, 44), (5, 54))


def test_rows_are_filled_but_for_a_last_one_of_few():
    assert filled_rows([], 100, 20, 2).shape == (1, 100, 3)
    # Each is twice as wide as high: two fill a row, 48 px wide each; a third is 1.4 × 24 px high.
    sheet = filled_rows([grey(50, 100)] * 3, 98, 24, 2)
    assert sheet.shape == (24 + 2 + 34 + 2, 98, 3)
    assert (sheet[:24, [*range(48), *range(50, 98)]] == 90).all()
    assert (sheet[:24, 48:50] == 255).all()
    assert filled(sheet[26:]) == ((0, 33), (0, 67))
