"""Is a difference between two sets larger than chance makes it? Whole groups are permuted.

Photos of one author or visit resemble each other: a test that takes each photo for evidence of its
own calls most honest splits drifted. Here groups change sides, with all their photos. Each
feature's distance is measured in its own null's 99 % quantile, and the largest over all features is
compared with the largest of each permutation (single-step max-T; Westfall and Young 1993, section
2.3): the p-values are adjusted for all features, however they depend on each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PERMUTATIONS = 999
BINS = 64  # quantiles at which the distributions of a number are compared
CHUNK = 64  # permutations at a time: bounds the memory
TAIL = 0.99


@dataclass(frozen=True, eq=False)
class Feature:
    """One feature of the rows of both sets.

    Attributes:
        values: [rows] numbers, or texts.
        group: [rows] number of each row's group.
    """

    values: pd.Series
    group: Ints

    @property
    def is_number(self) -> bool:
        """Whether its values have an order."""
        return bool(pd.api.types.is_numeric_dtype(self.values))


def adjusted_p_values(
    features: Sequence[Feature], is_current: Bools, permutations: int = PERMUTATIONS, seed: int = 0
) -> Floats:
    """P-value of each feature, adjusted for all of them.

    Args:
        features: of the same groups.
        is_current: [groups] whether the group is of the current set; the others are the reference.
        permutations: how many; the least p-value is 1 / (permutations + 1).
        seed: the same seed gives the same p-values.
    """
    tables = [_Table.of(feature, len(is_current)) for feature in features]
    if not tables:
        return np.zeros(0)
    observed = _distances(tables, is_current[None])[0]
    rng = np.random.default_rng(seed)
    null = np.concatenate(
        [
            _distances(tables, rng.permuted(np.tile(is_current, (size, 1)), axis=1))
            for size in _chunks(permutations)
        ]
    )  # [permutations, features]
    unit = np.quantile(null, TAIL, axis=0)
    unit[unit == 0] = np.inf  # what never differs cannot be tested
    largest = np.sort((null / unit).max(axis=1))
    reached = len(largest) - np.searchsorted(largest, observed / unit - 1e-9, "left")
    return np.asarray((1 + reached) / (permutations + 1), dtype=float)


def _chunks(permutations: int) -> list[int]:
    whole, rest = divmod(permutations, CHUNK)
    return [CHUNK] * whole + ([rest] if rest else [])


@dataclass(frozen=True, eq=False)
class _Table:
    """A feature's rows counted by cell and group.

    Attributes:
        counts: [cells, groups]; cells are kinds, or intervals between quantiles in order.
        spacing: [cells - 1] between the quantiles; None for kinds.
    """

    counts: csr_array
    spacing: Floats | None

    @classmethod
    def of(cls, feature: Feature, n_groups: int) -> _Table:
        spacing = None
        if feature.is_number:
            values = feature.values.to_numpy(dtype=float)
            edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
            cells = np.searchsorted(edges, values, side="right") - 1  # edges[0] is the least value
            spacing, n_cells = np.diff(edges), len(edges)
        else:
            cells, kinds = pd.factorize(feature.values)
            n_cells = len(kinds)
        ones = np.ones(len(cells), dtype=np.float32)
        counts = csr_array((ones, (cells, feature.group)), shape=(n_cells, n_groups))
        return cls(counts, spacing)

    def distance(self, chosen: NDArray[np.float32]) -> Floats:
        """[B] of the rows of the chosen groups from all others.

        Wasserstein distance at the quantiles, or half the sum of differences of kinds.

        Args:
            chosen: [groups, B], 1 or 0.
        """
        current = self.counts @ chosen  # [cells, B]
        others = self.counts.sum(axis=1)[:, None] - current
        sizes = np.maximum(current.sum(axis=0), 1), np.maximum(others.sum(axis=0), 1)
        difference = current / sizes[0] - others / sizes[1]
        if self.spacing is None:
            return np.asarray(np.abs(difference).sum(axis=0) / 2, dtype=float)
        steps = np.abs(np.cumsum(difference, axis=0)[:-1])
        return np.asarray(self.spacing @ steps, dtype=float)


def _distances(tables: Sequence[_Table], is_current: Bools) -> Floats:
    """[B, features] for each of B choices of groups."""
    chosen = np.ascontiguousarray(is_current.T, dtype=np.float32)
    return np.column_stack([table.distance(chosen) for table in tables])
