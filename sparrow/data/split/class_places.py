"""A place for each class in each split, before chance fills the rest.

Chance alone would leave a class of four photos out of the test photos as often as not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparrow.data.split.tie_codes import Ints

# Of a class in fewer groups than splits: it is learned first, then tested.
ORDER = (0, 2, 1)  # train, test, validation, as numbers of ``SPLITS``
FREE = -1  # a group that is assigned to no split yet


def place_classes(holds: NDArray[np.bool_], fixed: Ints, rng: np.random.Generator) -> Ints:
    """``fixed`` with a random group of each class in each split, as far as its groups last.

    The rarest class chooses first.

    Args:
        holds: [G, K] which group holds which class; K is 0 where there is only one.
        fixed: [G] number of a group's split, or ``FREE``.
    """
    placed = fixed.copy()
    for of_class in sorted(holds.T, key=lambda groups: int(groups.sum())):
        for split in ORDER:
            free = np.flatnonzero(of_class & (placed == FREE))
            if len(free) and not (placed[of_class] == split).any():
                placed[rng.choice(free)] = split
    return placed


def missing_places(holds: NDArray[np.bool_], assigned: Ints) -> int:
    """In how many splits a class is missing, over all classes."""
    return sum(len(ORDER) - len(np.unique(assigned[of_class])) for of_class in holds.T)
