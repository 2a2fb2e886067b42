"""Contact sheets of a review queue: each photo with the boxes it would get, and why it is there."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from sparrow.images import RgbImage

COLUMNS, ROWS = 5, 8  # of photos on a sheet
TILE_PX, CAPTION_PX, GAP_PX = 300, 66, 10
FONT_PX, LINE_CHARACTERS, LINES = 13, 46, 4
BOX_COLOR, INK, PAPER = (255, 220, 0), (40, 40, 40), (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Tile:
    """A photo (uint8 [height, width, 3]), its boxes (xyxy, its pixels), and what stands below."""

    image: RgbImage
    boxes_xyxy: Sequence[Sequence[float]]
    caption: str


def contact_sheet(tiles: Sequence[Tile]) -> Image.Image:
    """At most ``COLUMNS`` × ``ROWS`` tiles on one page."""
    rows = -(-len(tiles) // COLUMNS)
    columns = min(COLUMNS, len(tiles))
    wide, high = TILE_PX + GAP_PX, TILE_PX + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * wide + GAP_PX, rows * high + GAP_PX), PAPER)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, COLUMNS)
        sheet.paste(_drawn(tile), (GAP_PX + column * wide, GAP_PX + row * high))
    return sheet


def _drawn(tile: Tile) -> Image.Image:
    photo = Image.fromarray(tile.image)
    scale = TILE_PX / max(photo.size)
    photo = photo.resize([max(1, round(side * scale)) for side in photo.size])
    pen = ImageDraw.Draw(photo)
    for box in tile.boxes_xyxy:
        pen.rectangle([side * scale for side in box], outline=BOX_COLOR, width=2)
    card = Image.new("RGB", (TILE_PX, TILE_PX + CAPTION_PX), PAPER)
    card.paste(photo, ((TILE_PX - photo.width) // 2, TILE_PX - photo.height))
    lines = textwrap.wrap(tile.caption, LINE_CHARACTERS, max_lines=LINES, placeholder=" …")
    ImageDraw.Draw(card).multiline_text(
        (2, TILE_PX + 4), "\n".join(lines), INK, ImageFont.load_default(FONT_PX), spacing=2
    )
    return card
