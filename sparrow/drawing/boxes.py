"""Boxes on a photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from sparrow.boxes import as_boxes
from sparrow.images import RgbImage

DETECTION_COLOR, TRUTH_COLOR = "#ffb000", "#ffffff"
WRONG_COLOR, OTHER_COLOR = "#ff4d4d", "#35b3ff"
EDGE_COLOR = "#1a1a1a"

Corners = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class BoxStyle:
    """How boxes are drawn.

    Attributes:
        color: CSS colour of the lines and of the labels' ground.
        dashed: whether the lines are.
        show_scores: whether scores are written at the boxes, as per cent.
    """

    color: str = DETECTION_COLOR
    dashed: bool = False
    show_scores: bool = True


SOLID = BoxStyle()


def draw_boxes(
    image_rgb: RgbImage,
    boxes_xyxy: ArrayLike,
    scores: ArrayLike | None = None,
    style: BoxStyle = SOLID,
) -> RgbImage:
    """A copy of the photo with boxes on it, better scores above others.

    Lines and letters grow with the photo, and each line has a dark edge, so that boxes can be seen
    on light and dark ground.

    Args:
        image_rgb: uint8 [height, width, 3].
        boxes_xyxy: [N, 4] pixels.
        scores: [N] 0..1; None: no labels.
    """
    photo = Image.fromarray(np.ascontiguousarray(image_rgb))
    pen, boxes = _Pen(photo, style), as_boxes(boxes_xyxy)
    known = None if scores is None else np.asarray(scores, dtype=np.float64).reshape(-1)
    order = np.arange(len(boxes)) if known is None else np.argsort(known, kind="stable")
    for row in order:
        pen.box(_corners(boxes[row]))
    if known is not None and style.show_scores:
        for row in order:
            pen.label(_corners(boxes[row]), f"{known[row]:.0%}")
    return np.asarray(photo)


class _Pen:
    """Draws into one photo in one style."""

    def __init__(self, photo: Image.Image, style: BoxStyle) -> None:
        self._pen, self._photo_width, self._style = ImageDraw.Draw(photo), photo.width, style
        self._line = max(2, round(min(photo.size) / 220))
        self._font = ImageFont.load_default(size=max(11, round(min(photo.size) / 36)))

    def box(self, corners: Corners) -> None:
        """The four sides."""
        left, top, right, bottom = corners
        if not self._style.dashed:
            edge = (left - 1, top - 1, right + 1, bottom + 1)
            self._pen.rectangle(edge, outline=EDGE_COLOR, width=self._line + 2)
            self._pen.rectangle(corners, outline=self._style.color, width=self._line)
            return
        for side in (
            (left, top, right, top),
            (left, bottom, right, bottom),
            (left, top, left, bottom),
            (right, top, right, bottom),
        ):
            self._dashed_line(*side)

    def _dashed_line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self._pen.line((x0, y0, x1, y1), fill=EDGE_COLOR, width=self._line + 2)
        length, dash = max(x1 - x0, y1 - y0), 5 * self._line
        for start in np.arange(0, length, 2 * dash):
            a, b = start / length, min((start + dash) / length, 1)
            ends = (x0 + a * (x1 - x0), y0 + a * (y1 - y0), x0 + b * (x1 - x0), y0 + b * (y1 - y0))
            self._pen.line(ends, fill=self._style.color, width=self._line)

    def label(self, corners: Corners, text: str) -> None:
        """The text above the box, or inside where the photo ends."""
        left, top, right, bottom = self._pen.textbbox((0, 0), text, font=self._font)
        pad = max(2, round((bottom - top) / 4))
        width, height = right - left + 2 * pad, bottom - top + 2 * pad
        x = min(max(corners[0], 0), self._photo_width - width)
        y = corners[1] - height if corners[1] >= height else max(corners[1], 0)
        self._pen.rectangle((x, y, x + width, y + height), fill=self._style.color)
        self._pen.text((x + pad - left, y + pad - top), text, fill=EDGE_COLOR, font=self._font)


def _corners(box: np.ndarray) -> Corners:
    left, top, right, bottom = box.tolist()
    return left, top, right, bottom
