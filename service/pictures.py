"""Photos with their boxes, as pixels and as files."""

from __future__ import annotations

import io

from PIL import Image

from sparrow.drawing.boxes import DETECTION_COLOR, BoxStyle, draw_boxes
from sparrow.drawing.pictures import fit_within
from sparrow.images import RgbImage
from sparrow.predictions.record import PredictionRecord

JPEG_QUALITY = 88
VIEW_PX = 1600


def annotated(
    image: RgbImage,
    record: PredictionRecord,
    *,
    min_score: float = 0.0,
    show_scores: bool = True,
    color: str = DETECTION_COLOR,
) -> RgbImage:
    """A copy of the photo (uint8 [height, width, 3]) with the boxes of ``min_score`` and above."""
    boxes = [box for box in record.boxes if box.score >= min_score]
    return draw_boxes(
        image,
        [(b.x_min_px, b.y_min_px, b.x_max_px, b.y_max_px) for b in boxes],
        [box.score for box in boxes],
        BoxStyle(color, show_scores=show_scores),
    )


def view(image: RgbImage) -> bytes:
    """The photo without boxes as a JPEG for a screen: its longer side ``VIEW_PX`` at most."""
    if max(image.shape[:2]) > VIEW_PX:
        image, _ = fit_within(image, VIEW_PX)
    return encoded(image)


def encoded(image: RgbImage, *, png: bool = False) -> bytes:
    """The picture as a PNG or JPEG file."""
    stream = io.BytesIO()
    if png:
        Image.fromarray(image).save(stream, "PNG", compress_level=3)
    else:
        Image.fromarray(image).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
