"""Split photos into training, validation and test so that nothing leaks.

A group (``sparrow.data.split.groups``) goes to one side as a whole: no author, no near-duplicate
and no visit of a camera ever lies on two. Where there are cameras and no authors, whole cameras are
kept on one side too, if enough of them are left to test on; else their days. Only with fewer than
three authors are their days parted, if these are known, and the certificate says so.

Groups that were split before keep their side (``sparrow.data.split.assignments``); for the others
many seeded splits are drawn and the best-balanced one is kept.
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
from sparrow.data.errors import DataError
from sparrow.data.licences import keep_licences
from sparrow.data.split.assignments import SPLITS, settled_groups
from sparrow.data.split.groups import (
    CAMERA_DAYS,
    DAYS,
    MIN_GROUPS,
    WHOLES,
    choose_groups,
    count_groups,
)
from sparrow.data.split.report import split_certificate
from sparrow.data.split.ties import Ints, PhotoTies, photo_ties
from sparrow.data.tables import XYXY, Dataset

NO_SIDES: Mapping[str, str] = {}
STRATA = 4  # quantile bins of the count of photos with birds; those without are a fifth
SIZES = 3  # quantile bins of box size
FREE = -1  # a group without a side yet


@dataclass(frozen=True, eq=False)
class SplitResult:
    """The data with its ``split`` column, and the proof that nothing crosses it.

    Attributes:
        dataset: ``images`` has ``split`` in {train, validation, test}, and the groups that count
            as evidence (``groups.GROUP``, ``groups.GROUPED_BY``).
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
        sides: of photos that were split before, by SHA-256 (``sides.load_assignments``).

    Raises:
        DataError: fewer than three authors and fewer than three days that are known, so that three
            sides cannot be filled, or no photo under ``config.licenses``.
    """
    dataset = keep_licences(dataset, config.licenses)
    images = dataset.images.sort_values("image")
    ties = photo_ties(images, near_duplicate_bits, config.visit_seconds)
    units = _units(ties, config.test_fraction)
    if units is None:
        raise DataError(
            f"{dataset.root}: cannot split {len(images)} photos of {count_groups(ties.by_author)} "
            "independent group(s) (photos that share an author or a visit, or look alike, belong "
            "together); at least 3 groups are needed, so add photos by other authors or, with the "
            "time in their EXIF, of other days, or put 'unknown' where the author is not known"
        )
    settled = settled_groups(images, units.never_parted.tolist(), sides)
    groups, fixed = _fixed_units(units, settled)
    shares = np.array(
        [
            1 - config.validation_fraction - config.test_fraction,
            config.validation_fraction,
            config.test_fraction,
        ]
    )
    features = _features(dataset, images)
    side, imbalance = _best_split(groups, features, shares, fixed, config.tries, seed)
    judged = side[groups] == SPLITS.index("test")
    grouping = choose_groups(units.counted, units.counted_by, ties.by_day, judged)
    names = pd.Series(np.array(SPLITS)[side[groups]], index=images.index)
    marked = grouping.into(images.assign(split=names)).reindex(dataset.images.index)
    split = Dataset(dataset.root, marked, dataset.boxes)
    certificate = split_certificate(split, near_duplicate_bits, config.visit_seconds)
    certificate |= {
        "seed": seed,
        "imbalance": imbalance,
        "kept_their_side": int((fixed[groups] != FREE).sum()),
        "authors_parted_by_day": units.authors_parted,
        "config": config.model_dump(mode="json"),
    }
    return SplitResult(split, certificate)


@dataclass(frozen=True, eq=False)
class _Units:
    """What the split moves, as group numbers [photos].

    Attributes:
        never_parted: what no split may part, not even an older one that is kept.
        kept_whole: at least as large: what a photo without a side yet is moved with.
        counted: what counts as evidence if the test side has enough of it, and what that is
            (``groups.WHOLES`` …).
        authors_parted: whether there are too few authors to keep them whole.
    """

    never_parted: Ints
    kept_whole: Ints
    counted: Ints
    counted_by: str
    authors_parted: bool = False


def _units(ties: PhotoTies, test_fraction: float) -> _Units | None:
    """What to move; None where it is too little to fill three sides."""
    by_author = ties.by_author
    if count_groups(by_author) < len(SPLITS):
        by_day = ties.by_day_at_most
        if count_groups(by_day) < len(SPLITS):
            return None
        return _Units(by_day, by_day, by_day, DAYS, authors_parted=True)
    if count_groups(ties.by_whole) * test_fraction >= MIN_GROUPS:
        return _Units(by_author, ties.by_whole, ties.by_whole, WHOLES)
    days = ties.by_camera_day
    moved = days if count_groups(days) >= len(SPLITS) else by_author  # one camera, a day or two
    has_cameras = bool((ties.camera >= 0).any())
    return _Units(by_author, moved, days, CAMERA_DAYS if has_cameras else WHOLES)


def _fixed_units(units: _Units, settled: Mapping[int, int]) -> tuple[Ints, Ints]:
    """Unit number [photos] and side of each unit, or ``FREE``.

    A group without a settled photo is one unit. Of one that an earlier split has parted (it knew no
    cameras) each part that may not be parted keeps its side, and what is new in it goes where a
    model has seen most.
    """
    part_side = np.array([settled.get(int(part), FREE) for part in units.never_parted])
    far = len(SPLITS)
    first = np.full(int(units.kept_whole.max(initial=-1)) + 1, far)
    np.minimum.at(first, units.kept_whole, np.where(part_side == FREE, far, part_side))
    whole_side = np.where(first == far, FREE, first)[units.kept_whole]
    parts = len(first) + units.never_parted
    numbers = pd.factorize(np.where(whole_side == FREE, units.kept_whole, parts))[0]
    fixed = np.full(int(numbers.max(initial=-1)) + 1, FREE)
    fixed[numbers] = np.where(part_side == FREE, whole_side, part_side)
    return numbers.astype(np.int64), fixed


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
