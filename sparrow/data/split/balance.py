"""Fill train, validation and test with groups so that each holds its fraction of everything.

Many seeded fillings are tried and the best-balanced one is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.boxes import box_areas
from sparrow.config import SplitConfig
from sparrow.data.split.class_places import FREE, missing_places, place_classes
from sparrow.data.split.tie_codes import Ints
from sparrow.data.tables import XYXY, Dataset

STRATA = 4  # quantile bins of the count of photos with objects; those without are a fifth
SIZES = 3  # quantile bins of box size

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Filling:
    """Number of each group's split [G], in the order of ``SPLITS``, and how far it is off.

    Attributes:
        imbalance: mean square of (held - wanted) / wanted; 0 is perfect.
    """

    assigned: Ints
    imbalance: float


def best_filling(
    groups: Ints, features: PhotoFeatures, fixed: Ints, config: SplitConfig, seed: int
) -> Filling:
    """The best-balanced of ``config.tries`` random fillings.

    With several classes those come first in which the fewest classes are missing in a split.

    Args:
        groups: [N] group number of each photo.
        features: of ``photo_features``.
        fixed: [G] number of a group's split, or ``FREE``.
        config: the fractions that are wanted.
    """
    fractions = np.array(
        [
            1 - config.validation_fraction - config.test_fraction,
            config.validation_fraction,
            config.test_fraction,
        ]
    )
    totals = np.zeros((int(groups.max()) + 1, features.values.shape[1]))
    np.add.at(totals, groups, features.values)
    holds = totals[:, totals.shape[1] - features.n_classes :] > 0  # [G, K]
    wanted = fractions[:, None] * features.values.sum(axis=0)[None, :]  # [3, F]
    best, fewest = Filling(np.zeros(0, dtype=np.int64), float("inf")), len(fractions) * len(holds)
    for number in range(config.tries):
        rng = np.random.default_rng([seed, number])
        assigned = _fill(totals[:, 0], fractions, place_classes(holds, fixed, rng), rng)
        missing, imbalance = missing_places(holds, assigned), _imbalance(totals, assigned, wanted)
        if (missing, imbalance) < (fewest, best.imbalance):
            best, fewest = Filling(assigned, imbalance), missing
    return best


@dataclass(frozen=True, eq=False)
class PhotoFeatures:
    """What each split must hold its fraction of.

    Attributes:
        values: [N, F] photos, objects, photos of each stratum of the count (none, few … many),
            boxes of each third of size (small, middle, large); with several classes also the boxes
            and then the photos of each of them.
        n_classes: K, how many of the last columns are photos of a class; 0 where there is only one.
    """

    values: Floats
    n_classes: int


def photo_features(dataset: Dataset, images: pd.DataFrame) -> PhotoFeatures:
    """What each split must hold its fraction of; a set of one class is split as ever."""
    counts = images["n_boxes"].to_numpy()
    strata = np.where(counts == 0, -1, _bin(counts, counts[counts > 0], STRATA))
    one_hot = strata[:, None] == np.unique(strata)[None, :]
    box_sizes = np.sqrt(box_areas(dataset.boxes[XYXY]))
    thirds = _bin(box_sizes, box_sizes, SIZES)
    photo = pd.Index(images["image"]).get_indexer(dataset.boxes["image"])
    sized = np.zeros((len(images), SIZES))
    np.add.at(sized, (photo, thirds), 1)
    basic = np.column_stack([np.ones(len(counts)), counts, one_hot, sized]).astype(float)
    label, labels = pd.factorize(dataset.boxes["label"].astype(str), sort=True)
    if len(labels) < 2:
        return PhotoFeatures(basic, 0)
    of_class = np.zeros((len(images), len(labels)))
    np.add.at(of_class, (photo, label), 1)
    return PhotoFeatures(np.column_stack([basic, of_class, of_class > 0]), len(labels))


def _bin(values: NDArray[Any], sample: NDArray[Any], bins: int) -> Ints:
    """Which quantile bin of ``sample`` each value falls into, 0 .. bins - 1."""
    if not len(sample):
        return np.zeros(len(values), dtype=np.int64)
    edges = np.unique(np.quantile(sample, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, values, side="left").astype(np.int64)


def _fill(sizes: Floats, fractions: Floats, fixed: Ints, rng: np.random.Generator) -> Ints:
    """Split of each group [G]: free ones in random order, the row cut at what each split lacks."""
    assigned = fixed.copy()
    free = rng.permutation(len(sizes))
    free = free[fixed[free] == FREE]
    held = np.bincount(fixed[fixed != FREE], sizes[fixed != FREE], minlength=len(fractions))
    lacking = np.maximum(fractions * sizes.sum() - held, 0)
    lacking *= sizes[free].sum() / lacking.sum() if lacking.any() else 0
    middles = np.cumsum(sizes[free]) - sizes[free] / 2
    assigned[free] = np.searchsorted(np.cumsum(lacking)[:-1], middles, side="right")
    for empty in np.flatnonzero(np.bincount(assigned, minlength=len(fractions)) == 0):
        # A group larger than a fraction can cover it: the smallest free group elsewhere is taken.
        crowded = np.bincount(assigned, minlength=len(fractions)) > 1
        candidates = free[crowded[assigned[free]]]
        if len(candidates):
            assigned[candidates[np.argmin(sizes[candidates])]] = empty
    return assigned


def _imbalance(totals: Floats, assigned: Ints, wanted: Floats) -> float:
    """Mean square of (held - wanted) / wanted over splits and features; 0 is perfect.

    Where less than one is wanted, one too many is no worse than one of one.
    """
    held = np.zeros_like(wanted)
    np.add.at(held, assigned, totals)
    return float(np.mean(((held - wanted) / np.maximum(wanted, 1.0)) ** 2))
