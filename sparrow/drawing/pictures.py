"""Photos made small for a page, and pictures as bytes of a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from sparrow.boxes import as_boxes
from sparrow.drawing.boxes import draw_boxes
from sparrow.images import ImageError, RgbImage, read_image

THUMBNAIL_PX = 220
JPEG_QUALITY = 82


def fit_within(image_rgb: RgbImage, side_px: int) -> tuple[RgbImage, float]:
    """The picture with its long side at ``side_px``, and the scale that boxes have to be given."""
    photo = Image.fromarray(np.ascontiguousarray(image_rgb))
    scale = side_px / max(photo.size)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return np.asarray(photo.resize(size, Image.Resampling.LANCZOS)), scale


def thumbnail(
    path: Path, boxes_xyxy: ArrayLike = (), side_px: int = THUMBNAIL_PX
) -> RgbImage | None:
    """A photo file, upright and small, with boxes (its pixels); None where it cannot be read."""
    try:
        small, scale = fit_within(read_image(path), side_px)
    except ImageError:
        return None
    return draw_boxes(small, as_boxes(boxes_xyxy) * scale)


def encode_png(image_rgb: RgbImage) -> bytes:
    """The picture as a PNG file; the same pixels give the same bytes."""
    stream = io.BytesIO()
    Image.fromarray(image_rgb).save(stream, "PNG")
    return stream.getvalue()


def encode_jpeg(image_rgb: RgbImage, quality: int = JPEG_QUALITY) -> bytes:
    """The picture as a JPEG file."""
    stream = io.BytesIO()
    Image.fromarray(image_rgb).save(stream, "JPEG", quality=quality)
    return stream.getvalue()
