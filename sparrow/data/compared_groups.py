"""Which photos count as one piece of evidence where two sets are compared.

A group is of one set: an author whose photos are in both is two groups, so that what changes sides
in a permutation is what could have been on the other side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparrow.data.group_permutation import Bools, Ints
from sparrow.data.split.groups import MIN_GROUPS, count_groups
from sparrow.data.split.ties import PhotoTies


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of the photos of a reference and a current set.

    Attributes:
        reference, current: [photos] number of each photo's group.
        is_current: [groups] whether the group is of the current set.
    """

    reference: Ints
    current: Ints
    is_current: Bools

    @property
    def words(self) -> str:
        """``97 groups against 12``."""
        current = int(self.is_current.sum())
        return f"{len(self.is_current) - current:,} groups against {current:,}"


def groups_of_splits(ties: PhotoTies, n_train: int) -> Groups:
    """The largest groups that the split has kept whole: chance is another split of the same.

    Args:
        ties: of the training photos and, after them, the test photos.
    """
    current = _current(ties, n_train)
    for codes in (ties.by_whole, ties.by_camera_day, ties.by_author, ties.by_day_at_most):
        if count_groups(codes[current]) + count_groups(codes[~current]) == count_groups(codes):
            return _by_side(codes, current)
    return _by_side(ties.visits, current)


def groups_of_new(ties: PhotoTies, n_raw: int) -> Groups:
    """Authors or cameras; their days, or visits, where either set has fewer than ``MIN_GROUPS``.

    Then the manner of the few authors is a difference like any other.

    Args:
        ties: of the photos of the raw set and, after them, the new ones.
    """
    current = _current(ties, n_raw)
    for codes in (ties.by_whole, ties.by_camera_day, ties.by_day):
        if min(count_groups(codes[current]), count_groups(codes[~current])) >= MIN_GROUPS:
            return _by_side(codes, current)
    return _by_side(ties.visits, current)


def _current(ties: PhotoTies, n_reference: int) -> Bools:
    return np.asarray(np.arange(len(ties.visit)) >= n_reference)


def _by_side(codes: Ints, current: Bools) -> Groups:
    """Groups numbered anew, none of them of both sets."""
    sided, group = np.unique(2 * codes + current, return_inverse=True)
    return Groups(group[~current], group[current], sided % 2 == 1)
