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
Area = tuple[float, float, float, float]  # left, top, right and bottom, in pixels
Decoding = Literal["full", "scaled"]  # how a model's photos are decoded

# Longer side of a photo as it is measured (``sparrow.image_statistics``): of one size, so that
# resolution is not taken for sharpness.
MEASURED_PX = 512
# More pixels than the network gets, by side: the antialiased resize that follows then decides
# what detail the network sees, as it does for photos of other formats.
MARGIN = 1.25
TIMES = (8, 4, 2)  # what libjpeg can leave out, by side


def fit_scale(width_px: float, height_px: float, min_side_px: int, max_side_px: int) -> float:
    """Scale that brings the short side to ``min_side_px`` unless the long side would exceed
    ``max_side_px`` (torchvision's detection rule).
    """
    return min(min_side_px / min(width_px, height_px), max_side_px / max(width_px, height_px))


def resize_to_fit(
    image: Pixels, min_side_px: int, max_side_px: int, area: Area | None = None
) -> Pixels:
    """The photo at the detector's input size: uint8 [height, width, 3], antialiased.

    Training, evaluation and serving all call this, so all see the same pixels.

    Args:
        image: uint8 [height, width, 3].
        min_side_px, max_side_px: see ``fit_scale``.
        area: the part of ``image`` that is the photo; None: the whole.
    """
    left, top, right, bottom = area or (0, 0, image.shape[1], image.shape[0])
    width, height = right - left, bottom - top
    scale = fit_scale(width, height, min_side_px, max_side_px)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height) == image.shape[1::-1]:
        return image
    # reducing_gap halves the photo cheaply first: 12 megapixels in a quarter of the time.
    resized = Image.fromarray(image).resize(
        size, Image.Resampling.BILINEAR, box=area, reducing_gap=3.0
    )
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


def load_smaller(photo: Image.Image, sides_px: tuple[int, int] | None) -> int:
    """Load an opened photo, as small as ``times_smaller`` allows where it is a JPEG.

    Args:
        photo: as Pillow opens it.
        sides_px: of the network's input; None loads all pixels.

    Returns:
        How many times smaller it is, by side.
    """
    width, height = photo.size
    times = 1 if sides_px is None else times_smaller(width, height, sides_px)
    drafted = None
    if times > 1 and isinstance(photo, JpegImagePlugin.JpegImageFile):
        drafted = photo.draft(None, (max(1, width // times), max(1, height // times)))
    photo.load()
    # Of the thinnest photos Pillow leaves more than was asked for.
    return 1 if drafted is None else round(width / drafted[1][2])


def upright_area(
    pixels: Pixels, stored_px: tuple[int, int], times: int, stored_in: int
) -> tuple[tuple[int, int], Area]:
    """(width, height) of a whole upright photo that ``load_smaller`` loaded, and where it is.

    Where its sides cannot be divided, libjpeg fills up the last column and row as it is stored.
    To resample the pixels without them would blur what is measured in them.

    Args:
        pixels: uint8 [height, width, 3].
        stored_px: (width, height) of the whole photo as it is stored.
        times: how many times smaller it was loaded.
        stored_in: the orientation that it is stored in, 1 to 8.
    """
    size_px = stored_px[::-1] if stored_in >= 5 else stored_px
    width, height = size_px[0] / times, size_px[1] / times
    left = pixels.shape[1] - width if stored_in in (2, 3, 6, 7) else 0.0
    top = pixels.shape[0] - height if stored_in in (3, 4, 7, 8) else 0.0
    return size_px, (left, top, left + width, top + height)
