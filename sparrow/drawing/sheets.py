"""Contact sheets: photos in columns, each with the words below it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sparrow.images import RgbImage

PAPER, INK, PALE_INK = "#ffffff", "#222222", "#777777"
FONT_PX, LINE_PX, MARGIN_PX = 13, 16, 4
CHARACTER_PX = 6.5  # mean width of a letter of that font

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture with the words below it.

    Attributes:
        image: uint8 [height, width, 3], at the size at which it is shown, with its boxes.
        caption: a sentence, wrapped to the tile's width.
        credits: lines in pale ink below it, each cut where it is too long.
    """

    image: RgbImage
    caption: str = ""
    credits: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class SheetStyle:
    """How a sheet is laid out.

    Attributes:
        columns: pictures side by side.
        tile_px: width of a column; no picture may be wider or higher.
        gap_px: between tiles and around them.
        text_lines: of captions and credits, below each picture.
        square: whether each row is as high as a column is wide, with pictures in the middle;
            otherwise a row is as high as its highest picture, and all begin at its top. Pictures
            with words below them are at the row's bottom, next to their words.
    """

    columns: int
    tile_px: int
    gap_px: int = 10
    text_lines: int = 0
    square: bool = False

    @property
    def text_px(self) -> int:
        """Height of the words below a picture."""
        return self.text_lines * LINE_PX + 2 * MARGIN_PX if self.text_lines else 0


def contact_sheet(tiles: Sequence[Tile], style: SheetStyle) -> RgbImage:
    """All tiles on one sheet, row by row: uint8 [height, width, 3].

    Without a tile, a sheet has one empty row.
    """
    rows = [tiles[i : i + style.columns] for i in range(0, len(tiles), style.columns)] or [[]]
    heights = [_height(row, style) + style.text_px for row in rows]
    width = style.columns * (style.tile_px + style.gap_px) + style.gap_px
    sheet = Image.new("RGB", (width, sum(heights) + style.gap_px * (len(rows) + 1)), PAPER)
    top = style.gap_px
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            left = style.gap_px + column * (style.tile_px + style.gap_px)
            _paste(sheet, tile, (left, top, height - style.text_px), style)
        top += height + style.gap_px
    return np.asarray(sheet)


def filled_rows(photos: Sequence[RgbImage], width_px: int, row_px: int, gap_px: int) -> RgbImage:
    """Photos without words in rows that fill the width: uint8 [height, ``width_px``, 3].

    Each row has one height, ``row_px`` or so; a last row of few photos is not filled.
    """
    rows: list[list[Image.Image]] = [[]]
    for photo in map(Image.fromarray, photos):
        if _aspect(rows[-1]) * row_px > width_px - row_px / 2:
            rows.append([])
        rows[-1].append(photo)
    strips = [_strip(row, width_px, round(1.4 * row_px), gap_px) for row in rows if row]
    sheet = Image.new("RGB", (width_px, sum(s.height + gap_px for s in strips) or 1), PAPER)
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height + gap_px
    return np.asarray(sheet)


def _aspect(row: Sequence[Image.Image]) -> float:
    """Width of a row over its height."""
    return sum(photo.width / photo.height for photo in row)


def _strip(row: Sequence[Image.Image], width_px: int, most_px: int, gap_px: int) -> Image.Image:
    """Photos side by side at one height, ``most_px`` at most."""
    height = min(round((width_px - gap_px * (len(row) - 1)) / _aspect(row)), most_px)
    strip = Image.new("RGB", (width_px, height), PAPER)
    left = 0.0
    for photo in row:
        right = left + height * photo.width / photo.height
        size = (max(1, round(right) - round(left)), height)
        strip.paste(photo.resize(size, Image.Resampling.LANCZOS), (round(left), 0))
        left = right + gap_px
    return strip


def _height(row: Sequence[Tile], style: SheetStyle) -> int:
    if style.square:
        return style.tile_px
    return max((tile.image.shape[0] for tile in row), default=1)


def _paste(sheet: Image.Image, tile: Tile, place: tuple[int, int, int], style: SheetStyle) -> None:
    """Put a tile on the sheet; place: left, top, and height of the row's pictures, px."""
    left, top, room = place
    height, width = tile.image.shape[:2]
    down = (room - height) // 2 if style.square else 0
    if style.text_lines:
        down = room - height
    picture = Image.fromarray(np.ascontiguousarray(tile.image))
    sheet.paste(picture, (left + (style.tile_px - width) // 2, top + down))
    if style.text_lines:
        _write(sheet, tile, (left, top + room + MARGIN_PX), style)


def _write(sheet: Image.Image, tile: Tile, corner: tuple[int, int], style: SheetStyle) -> None:
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=FONT_PX)
    caption = textwrap.wrap(
        tile.caption,
        int(style.tile_px / CHARACTER_PX),
        max_lines=style.text_lines - len(tile.credits),
        placeholder=" …",
    )
    colored = [(line, INK) for line in caption] + [(line, PALE_INK) for line in tile.credits]
    for number, (line, color) in enumerate(colored):
        place = (corner[0], corner[1] + number * LINE_PX)
        pen.text(place, _shortened(line, font, style.tile_px), fill=color, font=font)


def _shortened(text: str, font: Font, width_px: int) -> str:
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text + "…"
