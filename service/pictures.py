"""Photos with their boxes, as pixels and as files."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from sparrow.drawing.boxes import SOLID, BoxStyle
from sparrow.drawing.class_boxes import draw_class_boxes
from sparrow.drawing.pictures import fit_within
from sparrow.images import RgbImage
from sparrow.predictions.record import PredictionRecord

JPEG_QUALITY = 88
VIEW_PX = 1600
VIEW_SIDES_PX = (VIEW_PX, VIEW_PX)  # as ``decode_photo`` takes them


def annotated(
    image: RgbImage,
    record: PredictionRecord,
    class_names: Sequence[str],
    *,
    min_score: float = 0.0,
    style: BoxStyle = SOLID,
) -> RgbImage:
    """A copy of the photo with the boxes of ``min_score`` and above.

    Args:
        image: uint8 [height, width, 3].
        record: of the photo.
        class_names: of the model; of several each has a colour of its own, and its name.
        min_score: 0..1.
        style: whether scores are shown, and the colour of the boxes of a model of one class.
    """
    boxes = [box for box in record.boxes if box.score >= min_score]
    return draw_class_boxes(image, boxes, class_names, style)


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
