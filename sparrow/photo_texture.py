"""Statistics of a photo's colours and fine structure, which differ from source to source.

A photo of a camera, a drawing and a photo of a photo differ in how strong detail is at each scale,
how rarely it is strong, and how much of the picture has none at all. These are the statistics of
Lyu and Farid (2005, "How realistic is photorealistic?"): the spread and peakedness of a wavelet's
coefficients, and how well each foretells its neighbours, those of the next scale and those of the
other colours. What lies in the photo hardly changes them.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparrow.image_statistics import LUMA, reduced
from sparrow.images import RgbImage

Floats32 = NDArray[np.float32]
Bands = tuple[Floats32, Floats32, Floats32]  # horizontal, vertical, diagonal detail

LEVELS = 4  # each has half the resolution of the one before
SMALLEST_PX = 2 * 2**LEVELS  # a side; smaller photos are enlarged, so that the last level is 2 px
# Detail of a share of a grey level, of one and of three: JPEG and drawings leave more without any.
FLAT = (0.3 / 255, 1 / 255, 3 / 255)
NOTHING = 1e-4  # added before a logarithm: a fortieth of a grey level
QUARTER = np.float32(0.25)


def photo_texture(rgb: RgbImage) -> Floats32:
    """The statistics of one photo; about 9 ms of processor time.

    Args:
        rgb: uint8 [height, width, 3], upright; of any size, measured at 512 px.

    Returns:
        float32 [390], finite; their units differ, and only photos of many can be compared by them.
    """
    planes = _planes(reduced(rgb))
    pyramids = [_pyramid(plane) for plane in planes]
    sizes = [[tuple(map(np.abs, bands)) for bands in pyramid] for pyramid in pyramids]
    values = [value for plane in planes for value in _colour(plane)]
    for pyramid, magnitudes in zip(pyramids, sizes, strict=True):
        for bands, band_sizes in zip(pyramid, magnitudes, strict=True):
            for band, size in zip(bands, band_sizes, strict=True):
                values += _strength(band, size)
    for magnitudes in sizes:
        for finer, coarser in pairwise(magnitudes):
            values += _neighbours(finer, coarser)
    for plane, other in pairwise(pyramids):
        for bands, other_bands in zip(plane[:-1], other[:-1], strict=True):
            values += map(_correlation, bands, other_bands)
    return np.array(values, dtype=np.float32)


def _planes(rgb: RgbImage) -> tuple[Floats32, Floats32, Floats32]:
    """Luma and two colour differences, cut so that every level has whole squares of four."""
    height, width = rgb.shape[:2]
    if min(height, width) < SMALLEST_PX:
        size = (max(width, SMALLEST_PX), max(height, SMALLEST_PX))
        rgb = np.asarray(Image.fromarray(rgb).resize(size))
    step = 2**LEVELS
    rgb = rgb[: rgb.shape[0] // step * step, : rgb.shape[1] // step * step]
    red, green, blue = np.moveaxis(np.asarray(rgb, dtype=np.float32) / 255, 2, 0)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return luma, blue - luma, red - luma


def _pyramid(plane: Floats32) -> list[Bands]:
    """Detail of each level, the finest first (Haar's wavelet, as means rather than sums)."""
    levels = []
    for _ in range(LEVELS):
        rows, row_detail = plane[::2] + plane[1::2], plane[::2] - plane[1::2]
        levels.append(
            (
                (rows[:, ::2] - rows[:, 1::2]) * QUARTER,
                (row_detail[:, ::2] + row_detail[:, 1::2]) * QUARTER,
                (row_detail[:, ::2] - row_detail[:, 1::2]) * QUARTER,
            )
        )
        plane = (rows[:, ::2] + rows[:, 1::2]) * QUARTER
    return levels


def _colour(plane: Floats32) -> list[float]:
    mean, spread, skewness, peak = _moments(plane)
    return [mean, math.log(spread + 10 * NOTHING), math.atan(skewness), math.log(peak + 1)]


def _strength(band: Floats32, size: Floats32) -> list[float]:
    """How strong a band's detail is, how unevenly, and how much of the photo has none."""
    _, spread, _, peak = _moments(band)
    mean, root = float(size.mean(dtype=np.float64)), float(np.sqrt(size).mean(dtype=np.float64))
    logs = [math.log(value + NOTHING) for value in (spread, mean, root)]
    return [*logs, math.log(peak + 1), *(float((size < limit).mean()) for limit in FLAT)]


def _neighbours(finer: tuple[Floats32, ...], coarser: tuple[Floats32, ...]) -> list[float]:
    """How well the size of detail foretells that beside it, below it and of other directions."""
    values = []
    for i, (size, parent) in enumerate(zip(finer, coarser, strict=True)):
        rows = size[::2] + size[1::2]
        values += [
            _correlation(rows[:, ::2] + rows[:, 1::2], parent),
            _correlation(size[:, 1:], size[:, :-1]),
            _correlation(size[1:], size[:-1]),
            _correlation(size, finer[(i + 1) % len(finer)]),
        ]
    return values


def _moments(values: Floats32) -> tuple[float, float, float, float]:
    """Mean, standard deviation, skewness and kurtosis (3 for normal data)."""
    flat = values.ravel()
    mean = float(flat.mean(dtype=np.float64))
    centred = flat - np.float32(mean)
    squares = centred * centred
    variance = max(float(np.vdot(centred, centred)) / flat.size, 1e-12)
    third = float(np.vdot(squares, centred)) / flat.size
    fourth = float(np.vdot(squares, squares)) / flat.size
    return mean, math.sqrt(variance), third / variance**1.5, fourth / variance**2


def _correlation(band: Floats32, other: Floats32) -> float:
    """Pearson's; 0 where one of the two does not vary."""
    a, b = (values.ravel() - np.float32(values.mean(dtype=np.float64)) for values in (band, other))
    scale = math.sqrt(float(np.vdot(a, a)) * float(np.vdot(b, b)))
    return float(np.vdot(a, b)) / scale if scale > 1e-12 else 0.0
