"""Split photos into training, validation and test so that nothing leaks.

A group is everything connected by an author or by near-duplicate pictures; it goes to one side as
a whole. Groups that were split before keep their side (``sparrow.data.sides``); for the others many
seeded splits are drawn and the best-balanced one is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.boxes import box_areas
from sparrow.config import SplitConfig
from sparrow.data.certificate import split_certificate
from sparrow.data.duplicates import connected, near_duplicate_clusters
from sparrow.data.errors import DataError
from sparrow.data.licences import keep_licences
from sparrow.data.sides import SPLITS, settled_groups
from sparrow.data.tables import UNKNOWN, XYXY, Dataset

NO_SIDES: Mapping[str, str] = {}
STRATA = 4  # quantile bins of the count of photos with birds; those without are a fifth
SIZES = 3  # quantile bins of box size
FREE = -1  # a group without a side yet


@dataclass(frozen=True, eq=False)
class SplitResult:
    """The data with its ``split`` column, and the proof that nothing crosses it.

    Attributes:
        dataset: ``images`` has ``split`` in {train, validation, test}.
        certificate: plain values, ready for JSON (``certificate.split_certificate``).
    """

    dataset: Dataset
    certificate: dict[str, Any]


def split_dataset(
    dataset: Dataset,
    config: SplitConfig,
    near_duplicate_bits: int,
    seed: int,
    sides: Mapping[str, str] = NO_SIDES,
) -> SplitResult:
    """Assign each photo to train, validation or test.

    The same data, config and seed give the same split on every machine, whatever the order of rows.

    Args:
        dataset: checked (``checks.check_dataset``): its photos are hashed.
        near_duplicate_bits: photos at most so far apart count as one picture (0..64).
        sides: of photos that were split before, by SHA-256 (``sides.read_sides``).

    Raises:
        DataError: fewer than three groups, so that three sides cannot be filled, or no photo under
            ``config.licenses``.
    """
    dataset = keep_licences(dataset, config.licenses)
    images = dataset.images.sort_values("image")
    groups = photo_groups(images, near_duplicate_bits)
    if (n_groups := int(groups.max(initial=-1)) + 1) < len(SPLITS):
        raise DataError(
            f"{dataset.root}: cannot split {len(images)} photos of {n_groups} independent group(s) "
            "(photos that share an author or look alike belong together); at least 3 groups are "
            "needed, so add photos by other authors, or put 'unknown' where the author is not known"
        )
    shares = np.array(
        [
            1 - config.validation_share - config.test_share,
            config.validation_share,
            config.test_share,
        ]
    )
    features = _features(dataset, images)
    settled = settled_groups(images, groups.tolist(), sides)
    fixed = np.array([settled.get(group, FREE) for group in range(n_groups)])
    side, imbalance = _best_split(groups, features, shares, fixed, config.tries, seed)
    names = pd.Series(np.array(SPLITS)[side[groups]], index=images.index)
    split = Dataset(dataset.root, dataset.images.assign(split=names), dataset.boxes)
    certificate = split_certificate(split, near_duplicate_bits)
    certificate |= {
        "seed": seed,
        "imbalance": imbalance,
        "kept_their_side": int((fixed[groups] != FREE).sum()),
        "config": config.model_dump(mode="json"),
    }
    return SplitResult(split, certificate)


def photo_groups(images: pd.DataFrame, near_duplicate_bits: int) -> NDArray[np.int64]:
    """Group number [N] of each photo: connected by author (unless unknown) or by likeness."""
    clusters = near_duplicate_clusters(images, near_duplicate_bits).to_numpy()
    authors = pd.factorize(images["author"])[0]
    known = (images["author"] != UNKNOWN).to_numpy()
    # Nodes: photos, then clusters, then authors; a photo is tied to its cluster and its author.
    photos = np.arange(len(images))
    first_author = len(images) + clusters.max(initial=-1) + 1
    edges = np.concatenate(
        [
            np.stack([photos, len(images) + clusters]),
            np.stack([photos[known], first_author + authors[known]]),
        ],
        axis=1,
    )
    nodes = int(first_author + authors.max(initial=-1) + 1)
    return connected(nodes, edges)[: len(images)]


def _features(dataset: Dataset, images: pd.DataFrame) -> NDArray[np.float64]:
    """[N, F] what each side must hold its share of: photos, birds, photos of each stratum of the
    count (none, few … many), and boxes of each third of size (small, middle, large).
    """
    counts = images["n_boxes"].to_numpy()
    strata = np.where(counts == 0, -1, _bin(counts, counts[counts > 0], STRATA))
    one_hot = strata[:, None] == np.unique(strata)[None, :]
    sides = np.sqrt(box_areas(dataset.boxes[XYXY]))
    thirds = _bin(sides, sides, SIZES)
    photo = pd.Index(images["image"]).get_indexer(dataset.boxes["image"])
    sized = np.zeros((len(images), SIZES))
    np.add.at(sized, (photo, thirds), 1)
    return np.column_stack([np.ones(len(counts)), counts, one_hot, sized]).astype(float)


def _bin(values: NDArray[Any], sample: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """Which quantile bin of ``sample`` each value falls into, 0 .. bins - 1."""
    if not len(sample):
        return np.zeros(len(values), dtype=np.int64)
    edges = np.unique(np.quantile(sample, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, values, side="left").astype(np.int64)


def _best_split(
    groups: NDArray[np.int64],
    features: NDArray[np.float64],
    shares: NDArray[np.float64],
    fixed: NDArray[np.int64],
    tries: int,
    seed: int,
) -> tuple[NDArray[np.int64], float]:
    """(side of each group [G], imbalance) of the best of ``tries`` random fillings.

    ``fixed`` [G] is a group's side, or ``FREE``.
    """
    totals = np.zeros((int(groups.max()) + 1, features.shape[1]))
    np.add.at(totals, groups, features)
    wanted = shares[:, None] * features.sum(axis=0)[None, :]  # [3, F]
    best, best_imbalance = np.zeros(0, dtype=np.int64), float("inf")
    for number in range(tries):
        side = _fill(totals[:, 0], shares, fixed, np.random.default_rng([seed, number]))
        imbalance = _imbalance(totals, side, wanted)
        if imbalance < best_imbalance:
            best, best_imbalance = side, imbalance
    return best, best_imbalance


def _fill(
    sizes: NDArray[np.float64],
    shares: NDArray[np.float64],
    fixed: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Side of each group [G]: free ones in random order, the row cut at what each side lacks."""
    side = fixed.copy()
    free = rng.permutation(len(sizes))
    free = free[fixed[free] == FREE]
    held = np.bincount(fixed[fixed != FREE], sizes[fixed != FREE], minlength=len(shares))
    lacking = np.maximum(shares * sizes.sum() - held, 0)
    lacking *= sizes[free].sum() / lacking.sum() if lacking.any() else 0
    middles = np.cumsum(sizes[free]) - sizes[free] / 2
    side[free] = np.searchsorted(np.cumsum(lacking)[:-1], middles, side="right")
    for empty in np.flatnonzero(np.bincount(side, minlength=len(shares)) == 0):
        # A group larger than a share can cover it: the smallest free group elsewhere steps in.
        crowded = np.bincount(side, minlength=len(shares)) > 1
        candidates = free[crowded[side[free]]]
        if len(candidates):
            side[candidates[np.argmin(sizes[candidates])]] = empty
    return side


def _imbalance(
    totals: NDArray[np.float64], side: NDArray[np.int64], wanted: NDArray[np.float64]
) -> float:
    """Mean square of (held - wanted) / wanted over sides and features; 0 is perfect.

    Where less than one is wanted, one too many is no worse than one of one.
    """
    held = np.zeros_like(wanted)
    np.add.at(held, side, totals)
    return float(np.mean(((held - wanted) / np.maximum(wanted, 1.0)) ** 2))
