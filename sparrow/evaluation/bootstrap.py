"""Resampling of photos: how sure a number is.

Photos of one author (or of one scene, taken twice) err together, so whole groups are drawn, with
replacement, as many as there are (cluster bootstrap; Davison & Hinkley 1997, section 3.8).
Every number here is a function of sums over photos; a resample is a row of group weights and all
resamples of a sum are one matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.data.tables import UNKNOWN

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """A value and its confidence interval.

    ``low`` and ``high`` are NaN where none can be had: all photos are of one author, or the number
    is not defined.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.low):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def to_list(self) -> list[float | None]:
        """[value, low, high] for JSON, which has no NaN."""
        return [None if math.isnan(x) else x for x in (self.value, self.low, self.high)]

    @classmethod
    def from_list(cls, values: list[float | None]) -> Interval:
        """The reverse of ``to_list``."""
        return cls(*(math.nan if x is None else float(x) for x in values))


def photo_groups(images: pd.DataFrame) -> Ints:
    """[photos] number of the group each photo belongs to, 0, 1, 2 …

    Photos of one author are one group, and so are near-duplicates (column ``group``, if there is
    one); a photo whose author is unknown stands alone unless it is somebody's near-duplicate.
    """
    parent = list(range(len(images)))

    def root(photo: int) -> int:
        while parent[photo] != photo:
            parent[photo] = parent[parent[photo]]
            photo = parent[photo]
        return photo

    for column in ("author", "group"):
        if column not in images:
            continue
        first: dict[object, int] = {}
        for photo, value in enumerate(images[column]):
            if pd.isna(value) or value == UNKNOWN or value == "":
                continue
            parent[root(photo)] = root(first.setdefault(value, photo))
    roots = np.array([root(photo) for photo in range(len(images))], dtype=np.int64)
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def group_sums(values: Floats, groups: Ints) -> Floats:
    """[photos, k] summed over each group: [groups, k]."""
    sums = np.zeros((int(groups.max()) + 1, values.shape[1]))
    np.add.at(sums, groups, values)
    return sums


def resample_weights(n_groups: int, samples: int, seed: int) -> Floats:
    """[samples, groups] how often each group is drawn; deterministic by seed."""
    draws = np.random.default_rng(seed).multinomial(
        n_groups, np.full(n_groups, 1 / n_groups), size=samples
    )
    return draws.astype(np.float64)


def percentile_interval(value: float, resampled: Floats, confidence: float) -> Interval:
    """Percentile interval of one number from its resampled values [samples].

    Resamples in which the number is not defined (NaN) are left out; when all are, or there was
    nothing to resample (fewer than two groups: pass an empty array), there is no interval.
    """
    usable = resampled[~np.isnan(resampled)]
    if math.isnan(value) or not len(usable):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(usable, [(1 - confidence) / 2, (1 + confidence) / 2])
    # A bounded number can sit a rounding error outside its own resamples.
    return Interval(value, min(float(low), value), max(float(high), value))
