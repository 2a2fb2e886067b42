"""Statistics of a photo's colours and fine structure, which differ from source to source.

A photo of a camera, a drawing and a photo of a photo differ in how strong detail is at each scale,
how rarely it is strong, and how much of the picture has none at all. These are the statistics of
Lyu and Farid (2005, "How realistic is photorealistic?"): the spread and peakedness of a wavelet's
coefficients, and how well each foretells its neighbours, those of the next scale and those of the
other colours. What lies in the photo hardly changes them.

Models hold these numbers of their training photos: another way to compute them has to agree with
this one to float rounding (``tests/compatibility``).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparrow.image_statistics import Floats32, MeasuredPhoto
from sparrow.images import RgbImage

Floats64 = NDArray[np.float64]

LEVELS = 4  # each has half the resolution of the one before
SMALLEST_PX = 2 * 2**LEVELS  # a side; smaller photos are enlarged, so that the last level is 2 px
# Detail of a share of a grey level, of one and of three: JPEG and drawings leave more without any.
FLAT = (0.3 / 255, 1 / 255, 3 / 255)
NOTHING = 1e-4  # added before a logarithm: a fortieth of a grey level
QUARTER = np.float32(0.25)
ROWS = 8  # that are summed in one part, where they lie one behind the other


def photo_texture(photo: RgbImage | MeasuredPhoto) -> Floats32:
    """The statistics of one photo; about 2 ms of processor time.

    Args:
        photo: uint8 [height, width, 3], upright, of any size, measured at 512 px; or what was
            measured of it before.

    Returns:
        float32 [390], finite; their units differ, and only photos of many can be compared by them.
    """
    planes = _planes(MeasuredPhoto.of(photo))
    colour = _colour(planes)
    strengths, sizes, between = list[Floats64](), list[Floats32](), list[Floats64]()
    for _ in range(LEVELS):
        bands, planes = _details(planes)
        sizes.append(np.abs(bands))
        strengths.append(_strength(bands, sizes[-1]))
        between.append(_between_colours(bands))
    neighbours = [_neighbours(finer, coarser) for finer, coarser in pairwise(sizes)]
    by_level = _strengths(strengths), _correlations(neighbours), np.stack(between[:-1], 1)
    return np.concatenate([colour, *by_level], axis=None).astype(np.float32)


def _planes(photo: MeasuredPhoto) -> Floats32:
    """Luma and two colour differences, [3, H, W], cut to whole squares of four at every level."""
    height, width = photo.luma.shape
    if min(height, width) < SMALLEST_PX:
        size = (max(width, SMALLEST_PX), max(height, SMALLEST_PX))
        return _planes(MeasuredPhoto.of(np.asarray(Image.fromarray(photo.rgb).resize(size))))
    step = 2**LEVELS
    planes = np.empty((3, height // step * step, width // step * step), np.float32)
    cut = np.s_[: planes.shape[1], : planes.shape[2]]
    planes[0] = photo.luma[cut]
    np.subtract(photo.blue[cut], planes[0], out=planes[1])
    np.subtract(photo.red[cut], planes[0], out=planes[2])
    return planes


def _details(planes: Floats32) -> tuple[Floats32, Floats32]:
    """Detail of one level (Haar's wavelet, as means rather than sums), and the next level's planes.

    Args:
        planes: [3, H, W].

    Returns:
        [3 planes, 3 directions (horizontal, vertical, diagonal), H / 2, W / 2]; [3, H / 2, W / 2].
    """
    sums, differences = planes[:, ::2] + planes[:, 1::2], planes[:, ::2] - planes[:, 1::2]
    left, right = _columns(sums)
    bands = np.empty((3, 3, *left.shape[1:]), np.float32)
    np.subtract(left, right, out=bands[:, 0])
    upper, lower = _columns(differences)
    np.add(upper, lower, out=bands[:, 1])
    np.subtract(upper, lower, out=bands[:, 2])
    bands *= QUARTER
    halves = left + right
    halves *= QUARTER
    return bands, halves


def _colour(planes: Floats32) -> Floats64:
    """[3, H, W] -> [3, 4]: mean, spread, skewness and peakedness of each."""
    # Exact: what rounding leaves of a photo of one colour is no skewness.
    pixels, mean = planes[0].size, planes.mean(axis=(1, 2), dtype=np.float64)
    centred = planes - mean.astype(np.float32)[:, None, None]
    squares = centred * centred
    variance = np.maximum(_products(centred, centred) / pixels, 1e-12)
    skewness = _products(squares, centred) / pixels / variance**1.5
    peak = _products(squares, squares) / pixels / variance**2
    spread = np.sqrt(variance) + 10 * NOTHING
    return np.stack([mean, np.log(spread), np.arctan(skewness), np.log(peak + 1)], -1)


def _strength(bands: Floats32, sizes: Floats32) -> Floats64:
    """What ``_strengths`` needs of one level.

    Args:
        bands: [3, 3, H, W]; its means are taken off.
        sizes: its absolute values; their means are taken off.

    Returns:
        [3, 3, 7]: variance, mean size, mean root of the size, the fourth moment; then the fractions
        of the photo without detail, for each limit.
    """
    pixels, mean = sizes[0, 0].size, _means(sizes)
    flat = [_fractions(sizes < limit) for limit in FLAT]
    roots = np.sqrt(sizes)
    root = _sums(roots) / pixels
    sizes -= mean
    bands -= _means(bands)
    squares = np.multiply(bands, bands, out=roots)
    variance, fourth = _sums(squares) / pixels, _products(squares, squares) / pixels
    return np.stack([variance, mean[..., 0, 0], root, fourth, *flat], -1)


def _strengths(levels: list[Floats64]) -> Floats64:
    """How strong detail is, how unevenly, and how much there is none: [3, LEVELS, 3, 7]."""
    values = np.stack(levels, 1)
    values[..., 0] = np.maximum(values[..., 0], 1e-12)
    values[..., 3] = np.log(values[..., 3] / values[..., 0] ** 2 + 1)
    values[..., 0] = np.sqrt(values[..., 0])
    values[..., :3] = np.log(values[..., :3] + NOTHING)
    return values


def _between_colours(bands: Floats32) -> Floats64:
    """How well a plane's detail, less its means, foretells the next one's: [2, 3]."""
    squares = _products(bands, bands)
    return _ratio(_products(bands[:-1], bands[1:]), squares[:-1], squares[1:])


def _neighbours(sizes: Floats32, coarser: Floats32) -> Floats64:
    """Sums of how detail's size goes with that below it, beside it and of other directions.

    Args:
        sizes, coarser: [3, 3, H, W] and [3, 3, H / 2, W / 2], less their means.

    Returns:
        [3, 3, 4, 7], see ``_correlations``.
    """
    rows = sizes[..., ::2, :] + sizes[..., 1::2, :]
    below = rows[..., ::2] + rows[..., 1::2]
    whole, turned = _moments(sizes), _products(sizes, sizes[:, (1, 2, 0)])
    sides, ends = ((sizes[..., 0], sizes[..., -1]), (sizes[..., 0, :], sizes[..., -1, :]))
    left, right, top, bottom = (whole - _edge(edge) for edge in (*sides, *ends))
    pairs = (
        (_products(below, coarser), _moments(below), _moments(coarser)),
        (_products(sizes[..., 1:], sizes[..., :-1]), left, right),
        (_products(sizes[..., 1:, :], sizes[..., :-1, :]), top, bottom),
        (turned, whole, whole[:, (1, 2, 0)]),
    )
    return np.stack([np.concatenate([p[..., None], a, b], -1) for p, a, b in pairs], -2)


def _correlations(levels: list[Floats64]) -> Floats64:
    """Pearson's, from sums of values whose means are about 0.

    Args:
        levels: [..., 7] sums of the products; number, sum and squares of one side, of the other.
    """
    products, n, total, squares, _, other, others = np.moveaxis(np.stack(levels, 1), -1, 0)
    return _ratio(products - total * other / n, squares - total**2 / n, others - other**2 / n)


def _ratio(products: Floats64, squares: Floats64, others: Floats64) -> Floats64:
    """Covariance to correlation; 0 where one of the two does not vary."""
    scale = np.sqrt(np.maximum(squares, 0) * np.maximum(others, 0))
    return np.divide(products, scale, out=np.zeros_like(scale), where=scale > 1e-12)


def _moments(values: Floats32) -> Floats64:
    """[..., H, W] -> [..., 3]: number, sum and sum of the squares."""
    total, squares = _sums(values), _products(values, values)
    pixels = values.shape[-2] * values.shape[-1]
    return np.stack([np.full_like(total, pixels), total, squares], -1)


def _edge(values: Floats32) -> Floats64:
    """[..., N] -> [..., 3], as ``_moments``."""
    return _moments(values[..., None, :])


def _means(values: Floats32) -> Floats32:
    """[..., H, W] -> [..., 1, 1]."""
    means = _sums(values) / (values.shape[-2] * values.shape[-1])
    return means.astype(np.float32)[..., None, None]


def _sums(values: Floats32) -> Floats64:
    """[..., H, W] -> [...]."""
    return np.asarray(np.einsum("...w->...", _long_rows(values)).sum(axis=-1, dtype=np.float64))


def _products(values: Floats32, other: Floats32) -> Floats64:
    """[..., H, W] twice -> [...]: sums of products, those of a row in float32.

    In rows of less than 10,000 values BLAS takes no second thread, for which other photos have more
    use.
    """
    if values.flags.c_contiguous and other.flags.c_contiguous:
        values, other = _long_rows(values), _long_rows(other)
    return np.vecdot(values, other).sum(axis=-1, dtype=np.float64)


def _long_rows(values: Floats32) -> Floats32:
    """[..., H, W] -> [..., H / ROWS, W * ROWS] where that is possible, which is faster to sum."""
    height, width = values.shape[-2:]
    if height % ROWS or not values.flags.c_contiguous:
        return values
    return values.reshape(*values.shape[:-2], height // ROWS, width * ROWS)


def _fractions(chosen: NDArray[np.bool_]) -> Floats64:
    """[3, 3, H, W] -> [3, 3]: the fraction that is true."""
    counts = [np.count_nonzero(band) for bands in chosen for band in bands]
    return np.reshape(counts, (3, 3)) / chosen[0, 0].size


def _columns(planes: Floats32) -> tuple[Floats32, Floats32]:
    """The even columns and the odd ones; as parts of complex numbers they are copied fastest."""
    pairs = planes.view(np.complex64)
    return np.ascontiguousarray(pairs.real), np.ascontiguousarray(pairs.imag)
