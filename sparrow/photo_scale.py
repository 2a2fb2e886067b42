"""At which scale a photo is decoded and shown to the network.

Of a JPEG, libjpeg can leave out detail that the network would not see: it computes a half, a
quarter or an eighth of the pixels by side, for a fraction of the time and memory of all of them.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

Pixels = NDArray[np.uint8]  # [height, width, 3]
Decoding = Literal["full", "scaled"]  # how a model's photos are decoded

# Longer side of a photo as it is measured (``sparrow.image_statistics``): of one size, so that
# resolution is not taken for sharpness.
MEASURED_PX = 512
# More pixels than the network gets, by side: the antialiased resize that follows then decides
# what detail the network sees, as it does for photos of other formats.
MARGIN = 1.25
TIMES = (8, 4, 2)  # what libjpeg can leave out, by side


def fit_scale(width_px: int, height_px: int, min_side_px: int, max_side_px: int) -> float:
    """Scale that brings the short side to ``min_side_px`` unless the long side would exceed
    ``max_side_px`` (torchvision's detection rule).
    """
    return min(min_side_px / min(width_px, height_px), max_side_px / max(width_px, height_px))


def resize_to_fit(image: Pixels, min_side_px: int, max_side_px: int) -> Pixels:
    """The photo at the detector's input size: uint8 [height, width, 3], antialiased.

    Training, evaluation and serving all call this, so all see the same pixels.
    """
    height, width = image.shape[:2]
    scale = fit_scale(width, height, min_side_px, max_side_px)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return image
    # reducing_gap halves the photo cheaply first: 12 megapixels in a quarter of the time.
    resized = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(resized)


def times_smaller(width_px: int, height_px: int, sides_px: tuple[int, int]) -> int:
    """How many times smaller (1, 2, 4 or 8, by side) a photo may be decoded.

    Args:
        width_px, height_px: of the photo in its file.
        sides_px: of the network's input, as ``fit_scale`` takes them. What is decoded has at least
            ``MARGIN`` times as many by side, and ``MEASURED_PX`` on the longer one.
    """
    longest = max(width_px, height_px)
    needed = max(MARGIN * fit_scale(width_px, height_px, *sides_px) * longest, MEASURED_PX)
    return next((times for times in TIMES if longest / times >= needed), 1)


def decode_smaller(photo: Image.Image, sides_px: tuple[int, int] | None) -> Image.Image:
    """An opened photo, loaded: as small as ``times_smaller`` allows, where it is a JPEG.

    None for ``sides_px`` loads all pixels.

    It shows what the whole photo shows: where the sides cannot be divided, libjpeg fills up the
    last row and column, and what it filled in is cut off.
    """
    times = 1 if sides_px is None else times_smaller(*photo.size, sides_px)
    drafted = None
    if times > 1 and isinstance(photo, JpegImagePlugin.JpegImageFile):
        drafted = photo.draft(None, (max(1, photo.width // times), max(1, photo.height // times)))
    photo.load()
    if drafted is None or drafted[1][2:] == photo.size:
        return photo
    return photo.resize(photo.size, Image.Resampling.BILINEAR, box=drafted[1])
