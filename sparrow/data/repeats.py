"""What is there twice: each box or photo is reported once, with the first that it repeats.

Memory grows with the number of boxes and photos, never with the number of pairs: a table may
repeat one row a million times, and a camera may take thousands of black pictures.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.boxes import paired_iou, xywh_to_xyxy
from sparrow.data.duplicates import CHUNK_PAIRS, hash_distances

TOLERANCE_PX = 1e-3  # of numbers that went through a text file
NONE = -1


def first_equal(table: pd.DataFrame) -> NDArray[np.int64]:
    """For each row [N] the number of the first row with the same cells; its own, if it is new."""
    numbers = table.groupby(list(table.columns), sort=False, dropna=False).ngroup().to_numpy()
    firsts = np.unique(numbers, return_index=True)[1]
    return np.asarray(firsts[numbers], dtype=np.int64)


def first_overlap(
    xywh: NDArray[np.float64], group: NDArray[np.int64], min_iou: float
) -> NDArray[np.int64]:
    """For each box the first earlier one of its group at IoU >= ``min_iou``; ``NONE`` without.

    Boxes are sorted by left edge within their group. IoU >= t is possible only where the left edges
    are at most (1 - t) · width apart, so each box meets its few next neighbours and no more.

    Args:
        xywh: [N, 4], sides above 0.
        group: [N], of photo and label.
    """
    count, left, xyxy = len(xywh), xywh[:, 0], xywh_to_xyxy(xywh)
    order = np.lexsort((np.arange(count), left, group))
    sorted_group = group[order]
    reach = left[order] + (1 - min_iou) * xywh[order, 2] + TOLERANCE_PX
    first = np.full(count, count, dtype=np.int64)
    alive, lag = np.arange(count), 1
    while len(alive := alive[alive + lag < count]):
        near = sorted_group[alive + lag] == sorted_group[alive]
        near &= left[order[alive + lag]] <= reach[alive]
        alive = alive[near]
        a, b = order[alive], order[alive + lag]
        hit = paired_iou(xyxy[a], xyxy[b]) >= min_iou
        np.minimum.at(first, np.maximum(a[hit], b[hit]), np.minimum(a[hit], b[hit]))
        lag += 1
    return np.where(first < count, first, NONE)


def closest(
    codes: NDArray[np.uint64], among: NDArray[np.uint64], max_bits: int, *, earlier: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each photo the one that looks most like it: (its number or ``NONE``, bits 0..64), [N].

    Args:
        codes: [N, 2] of the photos (``duplicates.hash_codes``).
        among: [M, 2] of those to compare with.
        max_bits: apart further, two photos are not alike.
        earlier: ``among`` are the same photos; each is compared with those before it only.
    """
    nearest_photo = np.full(len(codes), NONE, dtype=np.int64)
    bits = np.zeros(len(codes), dtype=np.int64)
    if not len(among):
        return nearest_photo, bits
    rows = max(1, CHUNK_PAIRS // len(among))
    for start in range(0, len(codes), rows):
        part = slice(start, min(start + rows, len(codes)))
        apart = hash_distances(codes[part], among[: part.stop] if earlier else among)
        if earlier:
            later = np.arange(apart.shape[1])[None, :] >= np.arange(start, part.stop)[:, None]
            apart[later] = np.iinfo(apart.dtype).max
        nearest = apart.argmin(axis=1)
        bits[part] = apart[np.arange(len(nearest)), nearest]
        nearest_photo[part] = np.where(bits[part] <= max_bits, nearest, NONE)
    return nearest_photo, bits
