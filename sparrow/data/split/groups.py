"""Which photos belong together: found once, at the split, and read by all that counts evidence.

Photos of one author err together; so do near-duplicates, photos of one visit (one camera, within
seconds) and, where the author is not known, photos of one camera. Each such group counts once,
however many photos it has: the split moves whole groups, the bootstrap draws them, the gate counts
them. What ties photos is found in ``sparrow.data.split.ties``.

Where authors and cameras would leave test photos of fewer than ``MIN_GROUPS`` groups, their days
are the groups. Then the numbers speak for these authors and cameras only, and say so
(``sparrow.data.split.evidence``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.data.split.tie_codes import Ints
from sparrow.data.split.ties import NEAR_DUPLICATE_BITS, VISIT_SECONDS, photo_ties
from sparrow.data.tables import Dataset

MIN_GROUPS = 10  # with fewer, resampling says little, and the promotion gate nothing

GROUP, GROUPED_BY = "group", "grouped_by"  # columns of the photo table
# Values of ``grouped_by``, one for a whole set: authors and cameras as wholes; authors as wholes,
# cameras by the day; both by the day.
WHOLES, CAMERA_DAYS, DAYS = "author or camera", "author or camera-day", "day"


def count_groups(groups: NDArray[np.generic] | pd.Series) -> int:
    """How many different groups."""
    return int(pd.Series(groups).nunique())


def group_names(images: pd.DataFrame, groups: Ints) -> pd.Series:
    """Each photo's group as the first name in it: the same whatever the order of rows."""
    return images["image"].astype(str).groupby(groups).transform("min").rename(GROUP)


def choose_groups(wholes: Ints, grouped_by: str, days: Ints, tested: NDArray[np.bool_]) -> Grouping:
    """The groups that count as evidence.

    Args:
        wholes: [photos] the groups that the split moved, and what they are (``WHOLES`` …).
        days: [photos] the finer ones.
        tested: [photos] the photos that a model is tested by.
    """
    if count_groups(wholes[tested]) >= MIN_GROUPS:
        return Grouping(wholes, grouped_by)
    return Grouping(days, DAYS)


@dataclass(frozen=True, eq=False)
class Grouping:
    """Group number of each photo, and what the groups are (``WHOLES`` …)."""

    groups: Ints
    grouped_by: str

    def into(self, images: pd.DataFrame) -> pd.DataFrame:
        """The photo table, in the same order, with both columns."""
        names = group_names(images, self.groups)
        return images.assign(group=names, grouped_by=self.grouped_by)


def with_groups(
    dataset: Dataset,
    near_duplicate_bits: int = NEAR_DUPLICATE_BITS,
    visit_seconds: float = VISIT_SECONDS,
) -> Dataset:
    """A set that has no groups yet (not split here, or by an older version) with them.

    They count for the test photos where there is a ``split``, else for all photos.
    """
    images = dataset.images
    if GROUP in images:
        return dataset
    ties = photo_ties(images, near_duplicate_bits, visit_seconds)
    tested = np.ones(len(images), dtype=bool)
    if "split" in images:
        tested = (images["split"] == "test").to_numpy()
    grouping = choose_groups(ties.by_whole, WHOLES, ties.by_day, tested)
    return replace(dataset, images=grouping.into(images))


def group_numbers(table: pd.DataFrame) -> Ints:
    """[rows] number of each row's group, 0, 1, 2 … in order of first appearance.

    Args:
        table: of photos, with the column ``group``: names, or numbers in what older versions wrote.

    Raises:
        ValueError: the column is missing or empty somewhere; no other grouping is made up.
    """
    if GROUP not in table or table[GROUP].isna().any():
        raise ValueError(
            "expected the column 'group' of the photo table, which the split fills in "
            "(sparrow.data.split.groups.with_groups for a set without a split); "
            f"found {list(table)}"
        )
    return np.asarray(pd.factorize(table[GROUP])[0], dtype=np.int64)
