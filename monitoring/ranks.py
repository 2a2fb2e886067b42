"""Scores of photos: the rank of each value among the reference's, and its distance from the middle.

The mean of the first is the Wilcoxon rank-sum statistic, which sees a column that moves; the mean
of the second is Ansari and Bradley's (1960), which sees one that spreads or narrows. The pair is
Lepage's test (1971). Ranks do not care about a column's unit, shape or outliers.
"""

from __future__ import annotations

import numpy as np

from monitoring.columns import COLUMNS, Floats


class Ranks:
    """Made from a reference's values [photos, columns] (``photo_values``).

    Attributes:
        column: [K] column of each component of the scores.
        spread: [K] whether the component is the distance from the middle; a share has only ranks.
    """

    def __init__(self, reference: Floats) -> None:
        self._sorted = [np.sort(values[~np.isnan(values)]) for values in reference.T]
        everything = np.arange(len(COLUMNS))
        scattered = np.array([i for i in everything if not COLUMNS[i].share])
        self.column = np.concatenate([everything, scattered])
        self.spread = np.arange(len(self.column)) >= len(everything)

    def scores(self, values: Floats) -> tuple[Floats, Floats]:
        """Scores 0..1 and whether they are defined (1 or 0), both [photos, K]; undefined are 0.

        Ties share their middle rank. A column that the reference has no value of scores 0.5.
        """
        ranks = np.full(values.shape, 0.5)
        for index, known in enumerate(self._sorted):
            if len(known):
                below = np.searchsorted(known, values[:, index], "left")
                up_to = np.searchsorted(known, values[:, index], "right")
                ranks[:, index] = (below + up_to) / (2 * len(known))
        defined = ~np.isnan(values)[:, self.column]
        return np.where(defined, self._components(ranks), 0.0), defined.astype(float)

    def beyond(self) -> Floats:
        """[2, K] scores of a photo below and of one above all that the reference saw."""
        return self._components(np.repeat([[0.0], [1.0]], len(COLUMNS), axis=1))

    def _components(self, ranks: Floats) -> Floats:
        chosen = ranks[:, self.column]
        return np.where(self.spread, np.abs(2 * chosen - 1), chosen)
