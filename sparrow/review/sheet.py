"""Contact sheets of a review queue: each photo with the boxes it would get, and why it is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from sparrow.boxes import as_boxes
from sparrow.drawing.boxes import draw_boxes
from sparrow.drawing.pictures import encode_jpeg, fit_within
from sparrow.drawing.sheets import SheetStyle, Tile, contact_sheet
from sparrow.images import RgbImage

COLUMNS, ROWS = 5, 8
PHOTOS_ON_A_SHEET = COLUMNS * ROWS
TILE_PX, TEXT_LINES = 300, 4


def queue_tile(image: RgbImage, boxes_xyxy: ArrayLike, caption: str) -> Tile:
    """A photo (uint8 [height, width, 3]) made small, with its boxes (its pixels) and its reason."""
    small, scale = fit_within(image, TILE_PX)
    return Tile(draw_boxes(small, as_boxes(boxes_xyxy) * scale), caption)


def write_sheet(tiles: Sequence[Tile], path: Path) -> None:
    """Write at most ``PHOTOS_ON_A_SHEET`` tiles as one JPEG."""
    style = SheetStyle(min(COLUMNS, len(tiles)), TILE_PX, text_lines=TEXT_LINES)
    path.write_bytes(encode_jpeg(contact_sheet(tiles, style)))
