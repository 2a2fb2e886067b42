"""Boxes drawn on photos, with NumPy and Pillow alone: the service does it, too."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from sparrow.boxes import as_boxes

FOUND_COLOR, TRUTH_COLOR, WRONG_COLOR = "#ffb000", "#ffffff", "#ff4d4d"
BOX_SHADE = "#1a1a1a"


def draw_detections(
    image_rgb: NDArray[np.uint8],
    boxes_xyxy: ArrayLike,
    scores: ArrayLike | None,
    *,
    color: str = FOUND_COLOR,
    show_scores: bool = True,
    truth_xyxy: ArrayLike | None = None,
    truth_color: str = TRUTH_COLOR,
) -> NDArray[np.uint8]:
    """A copy of the photo with boxes on it.

    Lines and letters grow with the photo, and every line has a dark edge, so that boxes can be
    seen on light and dark ground alike. Better scores lie on top.

    Args:
        image_rgb: uint8 [height, width, 3].
        boxes_xyxy: [N, 4] pixels.
        scores: [N] 0..1, written at the boxes unless ``show_scores`` is False; None: no labels.
        color: CSS colour of the boxes.
        truth_xyxy: [M, 4] true boxes, drawn dashed beneath the others.

    Returns:
        uint8 [height, width, 3].
    """
    photo = Image.fromarray(np.ascontiguousarray(image_rgb))
    pen = ImageDraw.Draw(photo)
    line = max(2, round(min(photo.size) / 220))
    for box in as_boxes([] if truth_xyxy is None else truth_xyxy).tolist():
        _dashed(pen, box, truth_color, line, 5 * line)
    boxes = as_boxes(boxes_xyxy)
    marks = None if scores is None else np.asarray(scores, dtype=np.float64).reshape(-1)
    order = np.arange(len(boxes)) if marks is None else np.argsort(marks, kind="stable")
    for box in boxes[order].tolist():
        pen.rectangle(_grown(box, 1), outline=BOX_SHADE, width=line + 2)
        pen.rectangle(box, outline=color, width=line)
    if marks is not None and show_scores:
        font = ImageFont.load_default(size=max(11, round(min(photo.size) / 36)))
        for row in order:
            _label(pen, boxes[row].tolist(), f"{marks[row]:.0%}", color, font, photo.size)
    return np.asarray(photo)


def _grown(box: list[float], by: int) -> list[float]:
    return [box[0] - by, box[1] - by, box[2] + by, box[3] + by]


def _dashed(pen: ImageDraw.ImageDraw, box: list[float], color: str, width: int, dash: int) -> None:
    left, top, right, bottom = box
    for x0, y0, x1, y1 in (
        (left, top, right, top),
        (left, bottom, right, bottom),
        (left, top, left, bottom),
        (right, top, right, bottom),
    ):
        length = max(x1 - x0, y1 - y0)
        pen.line((x0, y0, x1, y1), fill=BOX_SHADE, width=width + 2)
        for start in np.arange(0, length, 2 * dash):
            a, b = start / length, min((start + dash) / length, 1)
            ends = (x0 + a * (x1 - x0), y0 + a * (y1 - y0), x0 + b * (x1 - x0), y0 + b * (y1 - y0))
            pen.line(ends, fill=color, width=width)


def _label(
    pen: ImageDraw.ImageDraw,
    box: list[float],
    text: str,
    color: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    photo_size: tuple[int, int],
) -> None:
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    pad = max(2, round((bottom - top) / 4))
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x = min(max(box[0], 0), photo_size[0] - width)
    # Above the box; inside where the photo ends.
    y = box[1] - height if box[1] >= height else max(box[1], 0)
    pen.rectangle((x, y, x + width, y + height), fill=color)
    pen.text((x + pad - left, y + pad - top), text, fill=BOX_SHADE, font=font)
