"""Boxes on a photo, all in one colour; see ``class_boxes`` for boxes of several classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageColor, ImageDraw, ImageFont

from sparrow.boxes import as_boxes
from sparrow.images import RgbImage

DETECTION_COLOR, TRUTH_COLOR = "#ffb000", "#ffffff"
WRONG_COLOR, OTHER_COLOR = "#ff4d4d", "#35b3ff"
EDGE_COLOR = "#1a1a1a"
LETTERS = 36  # how many lines of text are as high as the photo's short side

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
    pen, boxes = Pen(photo, style), as_boxes(boxes_xyxy)
    known = None if scores is None else np.asarray(scores, dtype=np.float64).reshape(-1)
    order = np.arange(len(boxes)) if known is None else np.argsort(known, kind="stable")
    for row in order:
        pen.box(_corners(boxes[row]), style.color)
    if known is not None and style.show_scores:
        for row in order:
            pen.label(_corners(boxes[row]), f"{known[row]:.0%}", style.color)
    return np.asarray(photo)


class Pen:
    """Draws into one photo in one style."""

    def __init__(self, photo: Image.Image, style: BoxStyle, letters: int = LETTERS) -> None:
        self._pen, self._photo_width, self._style = ImageDraw.Draw(photo), photo.width, style
        self._line = max(2, round(min(photo.size) / 220))
        self._font = ImageFont.load_default(size=max(11, round(min(photo.size) / letters)))

    def box(self, corners: Corners, color: str) -> None:
        """The four sides."""
        left, top, right, bottom = corners
        if not self._style.dashed:
            edge = (left - 1, top - 1, right + 1, bottom + 1)
            self._pen.rectangle(edge, outline=EDGE_COLOR, width=self._line + 2)
            self._pen.rectangle(corners, outline=color, width=self._line)
            return
        for side in (
            (left, top, right, top),
            (left, bottom, right, bottom),
            (left, top, left, bottom),
            (right, top, right, bottom),
        ):
            self._dashed_line(side, color)

    def _dashed_line(self, line: Corners, color: str) -> None:
        x0, y0, x1, y1 = line
        self._pen.line(line, fill=EDGE_COLOR, width=self._line + 2)
        length, dash = max(x1 - x0, y1 - y0), 5 * self._line
        for start in np.arange(0, length, 2 * dash):
            a, b = start / length, min((start + dash) / length, 1)
            ends = (x0 + a * (x1 - x0), y0 + a * (y1 - y0), x0 + b * (x1 - x0), y0 + b * (y1 - y0))
            self._pen.line(ends, fill=color, width=self._line)

    def label(self, corners: Corners, text: str, color: str) -> None:
        """The text above the box, or inside where the photo ends."""
        width, height = self.label_size(text)
        x = max(min(max(corners[0], 0), self._photo_width - width), 0)
        y = corners[1] - height if corners[1] >= height else max(corners[1], 0)
        self.write((x, y, x + width, y + height), text, color)

    def label_size(self, text: str) -> tuple[float, float]:
        """Width and height of a label with its ground, in pixels."""
        left, top, right, bottom = self._pen.textbbox((0, 0), text, font=self._font)
        pad = self._pad(text)
        return right - left + 2 * pad, bottom - top + 2 * pad

    def write(self, place: Corners, text: str, color: str) -> None:
        """A label of ``label_size`` at this place, on a ground of this colour."""
        left, top, _, _ = self._pen.textbbox((0, 0), text, font=self._font)
        pad = self._pad(text)
        self._pen.rectangle(place, fill=color)
        at = (place[0] + pad - left, place[1] + pad - top)
        self._pen.text(at, text, fill=ink_on(color), font=self._font)

    def can_write(self, text: str) -> bool:
        """Whether the font has all letters; Pillow's own, always there, has few beyond ASCII."""
        missing = bytes(self._font.getmask("\U0010ffff"))
        return all(bytes(self._font.getmask(letter)) != missing for letter in set(text))

    def _pad(self, text: str) -> int:
        _, top, _, bottom = self._pen.textbbox((0, 0), text, font=self._font)
        return max(2, round((bottom - top) / 4))


def ink_on(ground: str) -> str:
    """Dark or light letters, whichever have more contrast on a ground (WCAG 2)."""
    light, dark = (_luminance(color) + 0.05 for color in ("#ffffff", EDGE_COLOR))
    here = _luminance(ground) + 0.05
    return "#ffffff" if light / here > here / dark else EDGE_COLOR


def _luminance(color: str) -> float:
    """Relative luminance 0..1 of a CSS colour, as WCAG 2 defines it."""
    parts = np.array(ImageColor.getrgb(color)[:3]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _corners(box: np.ndarray) -> Corners:
    left, top, right, bottom = box.tolist()
    return left, top, right, bottom
