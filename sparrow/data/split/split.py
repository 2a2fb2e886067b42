"""Split photos into training, validation and test so that nothing leaks.

A group (``sparrow.data.split.groups``) goes to one split as a whole: no author, no near-duplicate
and no visit of a camera is ever in two. Where there are cameras and no authors, whole cameras are
kept in one split too, if enough of them are left to test on; else their days. Only with fewer than
three authors are their days parted, if these are known, and the split report says so.

Groups that were split before stay where they are (``sparrow.data.split.assignments``); the others
are distributed so that all splits are alike (``sparrow.data.split.balance``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sparrow.config import SplitConfig
from sparrow.data.errors import DataError
from sparrow.data.licences import keep_licences
from sparrow.data.split.assignments import SPLITS, settled_groups
from sparrow.data.split.balance import best_filling, photo_features
from sparrow.data.split.class_places import FREE
from sparrow.data.split.feasible import can_be_split, too_few_words
from sparrow.data.split.groups import (
    CAMERA_DAYS,
    DAYS,
    MIN_GROUPS,
    WHOLES,
    choose_groups,
    count_groups,
)
from sparrow.data.split.report import SplitOrigin, SplitReport, report_split
from sparrow.data.split.tie_codes import Ints
from sparrow.data.split.ties import PhotoTies, photo_ties
from sparrow.data.tables import Dataset

NO_ASSIGNMENTS: Mapping[str, str] = {}


@dataclass(frozen=True, eq=False)
class SplitResult:
    """The data with its ``split`` column, and the report that nothing crosses it.

    Attributes:
        dataset: ``images`` has ``split`` in {train, validation, test}, and the groups that count
            as evidence (``groups.GROUP``, ``groups.GROUPED_BY``).
        report: plain values, ready for JSON.
    """

    dataset: Dataset
    report: SplitReport


def split_dataset(
    dataset: Dataset,
    config: SplitConfig,
    near_duplicate_bits: int,
    seed: int,
    assignments: Mapping[str, str] = NO_ASSIGNMENTS,
) -> SplitResult:
    """Assign each photo to train, validation or test.

    The same data, config and seed give the same split on every machine, whatever the order of rows.

    Args:
        dataset: checked (``checks.check_dataset``): its photos are hashed.
        near_duplicate_bits: photos at most so far apart count as one picture (0..64).
        assignments: of photos that were split before, by SHA-256 (``load_assignments``).

    Raises:
        DataError: fewer than three authors and fewer than three days that are known, so that three
            splits cannot be filled, or no photo under ``config.licenses``.
    """
    dataset, bits = keep_licences(dataset, config.licenses), near_duplicate_bits
    ties = photo_ties(dataset.images.sort_values("image"), bits, config.visit_seconds)
    split, origin = _assign(dataset, ties, config, seed, assignments)
    report = report_split(split, bits, config.visit_seconds)
    return SplitResult(split, {**report, **origin})


def _assign(
    dataset: Dataset,
    ties: PhotoTies,
    config: SplitConfig,
    seed: int,
    assignments: Mapping[str, str],
) -> tuple[Dataset, SplitOrigin]:
    """The set with its ``split`` column and its groups, and how they were made."""
    images = dataset.images.sort_values("image")
    units = _units(ties, config.test_fraction)
    if units is None:
        raise DataError(f"{dataset.root}: {too_few_words(images, ties)}")
    settled = settled_groups(images, units.never_parted.tolist(), assignments)
    groups, fixed = _fixed_units(units, settled)
    filling = best_filling(groups, photo_features(dataset, images), fixed, config, seed)
    split = filling.assigned[groups]
    names = pd.Series(np.array(SPLITS)[split], index=images.index)
    tested = split == SPLITS.index("test")
    grouping = choose_groups(units.counted, units.counted_by, ties.by_day, tested)
    marked = grouping.into(images.assign(split=names)).reindex(dataset.images.index)
    origin: SplitOrigin = {
        "seed": seed,
        "imbalance": filling.imbalance,
        "kept_their_side": int((fixed[groups] != FREE).sum()),
        "authors_parted_by_day": units.authors_parted,
        "config": config.model_dump(mode="json"),
    }
    return replace(dataset, images=marked), origin


@dataclass(frozen=True, eq=False)
class _Units:
    """What the split moves, as group numbers [photos].

    Attributes:
        never_parted: what no split may part, not even an older one that is kept.
        kept_whole: at least as large: what a photo that is assigned to no split is moved with.
        counted: what counts as evidence if the test photos have enough of it, and what that is
            (``groups.WHOLES`` …).
        authors_parted: whether there are too few authors to keep them whole.
    """

    never_parted: Ints
    kept_whole: Ints
    counted: Ints
    counted_by: str
    authors_parted: bool = False


def _units(ties: PhotoTies, test_fraction: float) -> _Units | None:
    """What to move; None where it is too little to fill three splits."""
    if not can_be_split(ties):
        return None
    by_author = ties.by_author
    if count_groups(by_author) < len(SPLITS):
        by_day = ties.by_day_at_most
        return _Units(by_day, by_day, by_day, DAYS, authors_parted=True)
    if count_groups(ties.by_whole) * test_fraction >= MIN_GROUPS:
        return _Units(by_author, ties.by_whole, ties.by_whole, WHOLES)
    days = ties.by_camera_day
    moved = days if count_groups(days) >= len(SPLITS) else by_author  # one camera, a day or two
    has_cameras = bool((ties.camera >= 0).any())
    return _Units(by_author, moved, days, CAMERA_DAYS if has_cameras else WHOLES)


def _fixed_units(units: _Units, settled: Mapping[int, int]) -> tuple[Ints, Ints]:
    """Unit number [photos], and of each unit its split's number or ``FREE``.

    A group without a settled photo is one unit. Of one that an earlier split has parted (it knew no
    cameras) each part that may not be parted stays where it is, and what is new in it goes where a
    model has seen most.
    """
    part_split = np.array([settled.get(int(part), FREE) for part in units.never_parted])
    far = len(SPLITS)
    first = np.full(int(units.kept_whole.max(initial=-1)) + 1, far)
    np.minimum.at(first, units.kept_whole, np.where(part_split == FREE, far, part_split))
    whole_split = np.where(first == far, FREE, first)[units.kept_whole]
    parts = len(first) + units.never_parted
    numbers = pd.factorize(np.where(whole_split == FREE, units.kept_whole, parts))[0]
    fixed = np.full(int(numbers.max(initial=-1)) + 1, FREE)
    fixed[numbers] = np.where(part_split == FREE, whole_split, part_split)
    return numbers.astype(np.int64), fixed
