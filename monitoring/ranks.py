"""A reference, and the distance of a window from it: by ranks, over a standard error of groups.

A photo's score is its value's rank among the reference's (0 below all, 1 above all, ties in the
middle); the mean score is the Wilcoxon rank-sum statistic, which sees a column that moves. A second
score, the rank's distance from the middle, sees a column that spreads or narrows (Ansari and
Bradley 1960; the pair is Lepage's test, 1971). Ranks do not depend on a column's unit, shape or
outliers.

Two made-up photos belong to every reference, one below and one above all its values: the next
photo is beyond R known ones with probability 1 / (R + 1) on either side, so a column that never
varied may still vary a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.columns import COLUMNS, Column, Floats

Ints = NDArray[np.int64]

MADE_UP = 2


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mean score [...] of a reference, the variance of that mean, and how many scores."""

    mean: Floats
    variance: Floats
    number: Floats

    def distance(self, sums: Floats, numbers: Floats) -> Floats:
        """|difference of means| of a window over its standard error, [...].

        Args:
            sums: of the window's scores.
            numbers: how many they are. Without any the distance is 0.
        """
        safe = np.maximum(numbers, 1)
        # A window of m scores, in groups like the reference's, varies number / m times as much.
        error = np.sqrt(self.variance * (1 + self.number / safe))
        difference = np.abs(sums / safe - self.mean)
        defined = (numbers > 0) & (error > 0)
        return np.divide(difference, error, out=np.zeros_like(difference), where=defined)


class Reference:
    """Values of the reference's photos, sorted by group, the made-up photos last.

    Attributes:
        column: [K] column of each component of the scores.
        spread: [K] whether the component is the distance from the middle; a fraction has none.
        groups: [photos] number of each photo's group; the made-up ones have their own.
        estimate: of the real reference, [K] each.
    """

    def __init__(self, values: Floats, groups: Ints, columns: Sequence[Column] = COLUMNS) -> None:
        """Rank them.

        Args:
            values: [photos, columns] of ``photo_values``; NaN where undefined.
            groups: [photos] numbers from 0, each in use.
            columns: what the columns are; the first ones, where there are fewer.
        """
        order = np.argsort(groups, kind="stable")
        beyond = np.array([[-np.inf], [np.inf]]) * np.ones((1, values.shape[1]))
        self._values = np.vstack([values[order], beyond])
        self.n_groups = int(groups.max()) + 1
        self.groups = np.concatenate([groups[order], self.n_groups + np.arange(MADE_UP)])
        self._first = np.searchsorted(self.groups, np.arange(self.n_groups + MADE_UP))
        self._defined = ~np.isnan(self._values)
        self._ties = [_Ties(column) for column in self._values.T]
        everything = np.arange(values.shape[1])
        scattered = np.array(
            [i for i, column in zip(everything, columns, strict=False) if not column.is_fraction],
            dtype=np.int64,
        )
        self.column = np.concatenate([everything, scattered])
        self.spread = np.arange(len(self.column)) >= len(everything)
        once = np.ones((1, len(self.groups)))
        parts = [self._estimate(k, self._scores(k, once), once) for k in range(len(self.column))]
        self.estimate = Estimate(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in _ESTIMATE)
        )

    def scores(self, values: Floats) -> tuple[Floats, Floats]:
        """Scores 0..1 and whether they are defined (1 or 0), both [photos, K]; undefined are 0."""
        ranks = np.zeros(values.shape)
        for index, ties in enumerate(self._ties):
            ranks[:, index] = ties.rank(values[:, index])
        defined = ~np.isnan(values)[:, self.column]
        chosen = ranks[:, self.column]
        scores = np.where(self.spread, np.abs(2 * chosen - 1), chosen)
        return np.where(defined, scores, 0.0), defined.astype(float)

    def distances(self, weights: Floats, windows: Sequence[Floats]) -> Floats:
        """Distances of sampled windows from sampled references, as ``estimate`` gives real ones.

        Args:
            weights: [B, photos] how often each photo is in each sampled reference; whole groups.
            windows: for each nested window, [B, photos] how often each photo is in it.

        Returns:
            [B, windows, K].
        """
        distances = np.empty((len(weights), len(windows), len(self.column)))
        for k, column in enumerate(self.column):
            scores, defined = self._scores(k, weights), self._defined[:, column]
            estimate = self._estimate(k, scores, weights)
            for window, counts in enumerate(windows):
                numbers = counts @ defined
                sums = np.einsum("bi,bi,i->b", counts, scores, defined)
                distances[:, window, k] = estimate.distance(sums, numbers)
        return distances

    def _scores(self, k: int, weights: Floats) -> Floats:
        """[B, photos] scores of this component among the sampled references."""
        ranks = self._ties[self.column[k]].weighted_ranks(weights)
        return np.abs(2 * ranks - 1) if self.spread[k] else ranks

    def _estimate(self, k: int, scores: Floats, weights: Floats) -> Estimate:
        """Mean [B], and the linearised variance of this ratio of group sums."""
        defined = self._defined[:, self.column[k]]
        number = weights @ defined
        mean = np.einsum("bi,bi,i->b", weights, scores, defined) / number
        residuals = np.add.reduceat((scores - mean[:, None]) * defined, self._first, axis=1)
        of_group = weights[:, self._first]
        taking_part = of_group @ np.logical_or.reduceat(defined, self._first)
        variance = np.einsum("bg,bg,bg->b", of_group, residuals, residuals) / number**2
        return Estimate(mean, variance * taking_part / (taking_part - 1), number)


_ESTIMATE = ("mean", "variance", "number")


class _Ties:
    """One column of a reference in ascending order, equal values together."""

    def __init__(self, values: Floats) -> None:
        order = np.argsort(values, kind="stable")  # NaN last
        self._order = order[: int((~np.isnan(values)).sum())]
        self._sorted = values[self._order]
        self._begin = np.searchsorted(self._sorted, self._sorted, "left")
        self._end = np.searchsorted(self._sorted, self._sorted, "right")
        self._n_photos = len(values)

    def rank(self, values: Floats) -> Floats:
        """Middle ranks 0..1 of new values."""
        below = np.searchsorted(self._sorted, values, "left")
        up_to = np.searchsorted(self._sorted, values, "right")
        return (below + up_to) / (2 * len(self._sorted))

    def weighted_ranks(self, weights: Floats) -> Floats:
        """[B, photos] of the photos themselves, each present so many times; 0 where undefined."""
        total = np.zeros((len(weights), len(self._order) + 1))
        np.cumsum(weights[:, self._order], axis=1, out=total[:, 1:])
        ranks = np.zeros((len(weights), self._n_photos))
        middle = (total[:, self._begin] + total[:, self._end]) / 2
        ranks[:, self._order] = middle / total[:, -1:]
        return ranks
