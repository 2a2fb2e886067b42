"""Four statistics of a photo's pixels: the same for training photos and for those in production."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparrow.images import RgbImage
from sparrow.photo_scale import MEASURED_PX

Floats32 = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601: red, green, blue


STATISTICS = ("brightness", "contrast", "sharpness", "saturation")  # their order
ImageStatistics = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class MeasuredPhoto:
    """A photo as it is measured, its colours taken apart once for all that is measured.

    Attributes:
        rgb: uint8 [height, width, 3], ``MEASURED_PX`` on the longer side at most.
        red, blue, luma: float32 [height, width], 0..1.
    """

    rgb: RgbImage
    red: Floats32
    blue: Floats32
    luma: Floats32

    @classmethod
    def of(cls, photo: RgbImage | MeasuredPhoto) -> MeasuredPhoto:
        """That of a photo of any size; or itself."""
        if isinstance(photo, MeasuredPhoto):
            return photo
        rgb = reduced(photo)
        # Colour by colour: along an axis of three NumPy is ten times slower.
        red, green, blue = np.ascontiguousarray(rgb.transpose(2, 0, 1)).astype(np.float32) / 255
        green *= LUMA[1]
        luma = LUMA[0] * red
        luma += green
        luma += LUMA[2] * blue
        return cls(rgb, red, blue, luma)


def image_statistics(photo: RgbImage | MeasuredPhoto) -> ImageStatistics:
    """(brightness, contrast, sharpness, saturation) of a photo.

    Args:
        photo: uint8 [height, width, 3], upright; or what was measured of it before.

    Returns:
        brightness: mean luma, 0..1. contrast: standard deviation of luma, 0..0.5. sharpness:
        standard deviation of luma's Laplacian, 0 and up (about 0.02 blurred, 0.1 crisp).
        saturation: mean of (max - min) / max over the colour channels, 0..1.
    """
    measured = MeasuredPhoto.of(photo)
    luma = measured.luma
    sharpness = float(_laplacian(luma).std()) if min(luma.shape) > 2 else 0.0
    return float(luma.mean()), float(luma.std()), sharpness, _saturation(measured.rgb)


def reduced(rgb: RgbImage) -> RgbImage:
    """A photo as it is measured, uint8: its longer side ``MEASURED_PX`` at most, or itself."""
    if max(rgb.shape[:2]) <= MEASURED_PX:
        return rgb
    photo = Image.fromarray(rgb)
    photo.thumbnail((MEASURED_PX, MEASURED_PX), Image.Resampling.BOX)
    return np.asarray(photo)


def _saturation(rgb: RgbImage) -> float:
    red, green, blue = np.ascontiguousarray(rgb.transpose(2, 0, 1))
    top = np.maximum(np.maximum(red, green), blue)
    span = top - np.minimum(np.minimum(red, green), blue)
    # Black has no span either: any number below it gives 0.
    return float((span / np.maximum(top, 1).astype(np.float32)).mean())


def _laplacian(luma: Floats32) -> Floats32:
    beside = luma[:-2, 1:-1] + luma[2:, 1:-1]
    beside += luma[1:-1, :-2]
    beside += luma[1:-1, 2:]
    beside -= 4 * luma[1:-1, 1:-1]
    return beside
