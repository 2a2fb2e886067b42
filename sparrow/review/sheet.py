"""Contact sheets of a review queue: each photo with the boxes it would get, and why it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sparrow.boxes import as_boxes
from sparrow.class_nouns import noun
from sparrow.drawing.boxes import BoxStyle, draw_boxes
from sparrow.drawing.class_boxes import draw_class_boxes
from sparrow.drawing.pictures import encode_jpeg, fit_within
from sparrow.drawing.sheets import SheetStyle, Tile, contact_sheet
from sparrow.images import RgbImage
from sparrow.predictions.record import LoggedBox

COLUMNS, ROWS = 5, 8
PHOTOS_ON_A_SHEET = COLUMNS * ROWS
TILE_PX, TEXT_LINES = 300, 4

LabelledBox = tuple[str, float, float, float, float]  # class, left, top, right, bottom


def queue_tile(
    image: RgbImage, boxes: Sequence[LabelledBox], class_names: Sequence[str], caption: str
) -> Tile:
    """A photo made small, with its boxes; of several classes each has its colour and its name.

    Args:
        image: uint8 [height, width, 3].
        boxes: in its pixels.
        class_names: of the model; a person may have named others.
        caption: the photo's reason.
    """
    small, scale = fit_within(image, TILE_PX)
    if len(class_names) == 1:
        return Tile(draw_boxes(small, as_boxes([box[1:] for box in boxes]) * scale), caption)
    scaled = [
        LoggedBox(label, 1.0, *(side * scale for side in corners)) for label, *corners in boxes
    ]
    names = list(dict.fromkeys([*class_names, *(box.label for box in scaled)]))
    return Tile(draw_class_boxes(small, scaled, names, BoxStyle(show_scores=False)), caption)


def classes_in_words(boxes: Sequence[LabelledBox], class_names: Sequence[str]) -> str:
    """``2 wrens, 1 robin``: the boxes of each class that there are; nothing of a single class."""
    if len(class_names) == 1:
        return ""
    by_class = Counter(label for label, *_ in boxes)
    return ", ".join(f"{number} {noun(number, label)}" for label, number in by_class.most_common())


def write_sheet(tiles: Sequence[Tile], path: Path) -> None:
    """Write at most ``PHOTOS_ON_A_SHEET`` tiles as one JPEG."""
    style = SheetStyle(min(COLUMNS, len(tiles)), TILE_PX, text_lines=TEXT_LINES)
    path.write_bytes(encode_jpeg(contact_sheet(tiles, style)))
