"""How far apart a reference and a window come without drift, and the p-values that follow.

The reference is all that is known of the photos, so it stands for them: pairs of a reference and a
window are drawn from it again and again, *groups* (author, near-duplicates) with replacement,
because photos of one group resemble each other and arrive together. Both sides are drawn, so that
a small reference's own luck is part of the null and no alarm; a window may be larger than the
reference. Three things keep a small reference honest:

- The statistic is studentised: the difference of means over the standard error that *this* pair's
  reference gives, from its groups (the bootstrap-t; Efron and Tibshirani 1993, section 12.5).
- A drawn reference has one group fewer than the real one, which makes the variance of its mean
  unbiased (Rao and Wu 1988).
- Two made-up photos belong to it, one below and one above all that it saw: the next photo lies
  beyond R known ones with probability 1 / (R + 1) on either side, so a column that never varied
  may still vary a little.

Looks are nested (the newest 25, 100, … photos). The smallest p-value over columns and looks is
compared with the smallest one of each drawn pair (single-step min-P; Westfall and Young 1993,
section 2.3), which holds the rate of false alarms of a whole run for columns that depend on each
other in whatever way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.columns import Floats

Ints = NDArray[np.int64]

CHUNK = 250  # pairs drawn at a time: bounds the memory


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mean scores [..., K] of a reference, the variances of these means, and how many scores."""

    mean: Floats
    variance: Floats
    number: Floats

    def distance(self, sums: Floats, numbers: Floats) -> Floats:
        """|difference of means| of a window over its standard error, [..., K].

        Args:
            sums: of the window's scores.
            numbers: how many they are. Without any there is nothing to say: 0.
        """
        safe = np.maximum(numbers, 1)
        # A window of m scores, in groups like the reference's, varies number / m times as much.
        error = np.sqrt(self.variance * (1 + self.number / safe))
        difference = np.abs(sums / safe - self.mean)
        told = (numbers > 0) & (error > 0)
        return np.divide(difference, error, out=np.zeros_like(difference), where=told)


class Reference:
    """Scores of the reference's photos with the two made-up ones.

    Attributes:
        estimate: of the real reference.
        n_groups: without the made-up photos.
    """

    def __init__(self, scores: Floats, defined: Floats, groups: Ints, beyond: Floats) -> None:
        """All of them.

        Args:
            scores: [photos, K]; 0 where undefined.
            defined: [photos, K] 1 or 0.
            groups: [photos] numbers from 0, each in use.
            beyond: [2, K] scores of the made-up photos.
        """
        self.n_groups = int(groups.max()) + 1
        self._scores = np.vstack([scores, beyond])
        self._defined = np.vstack([defined, np.ones_like(beyond)])
        self._groups = np.concatenate([groups, [self.n_groups, self.n_groups + 1]])
        self._sums, self._numbers = (
            np.stack([np.bincount(self._groups, column) for column in table.T], axis=1)
            for table in (self._scores, self._defined)
        )  # [groups + 2, K]
        whole = self._estimate(np.ones((1, self.n_groups + 2)))
        self.estimate = Estimate(whole.mean[0], whole.variance[0], whole.number[0])

    def draw(self, looks: Sequence[int], pairs: int, seed: int) -> Floats:
        """Distances [pairs, looks, K] of drawn pairs; looks are sizes, smallest first."""
        rng = np.random.default_rng(seed)
        found = []
        for start in range(0, pairs, CHUNK):
            size = min(CHUNK, pairs - start)
            drawn = self._estimate(self._drawn_references(size, rng))
            windows = self._drawn_windows(looks, size, rng)
            found.append(np.stack([drawn.distance(*window) for window in windows], axis=1))
        return np.concatenate(found)

    def _estimate(self, weights: Floats) -> Estimate:
        """Of references in which group g takes part ``weights[b, g]`` times."""
        number = weights @ self._numbers
        mean = (weights @ self._sums) / number
        # Linearised variance of a ratio of group sums: residuals are sums - mean × numbers.
        squares = (
            weights @ self._sums**2
            - 2 * mean * (weights @ (self._sums * self._numbers))
            + mean**2 * (weights @ self._numbers**2)
        )
        taking_part = weights @ (self._numbers > 0)
        correction = taking_part / (taking_part - 1)
        return Estimate(mean, np.maximum(squares, 0) / number**2 * correction, number)

    def _drawn_references(self, size: int, rng: np.random.Generator) -> Floats:
        """[size, groups + 2] weights."""
        shares = np.full(self.n_groups, 1 / self.n_groups)
        weights = rng.multinomial(self.n_groups - 1, shares, size=size)
        return np.column_stack([weights, np.ones((size, 2))]).astype(float)

    def _drawn_windows(
        self, looks: Sequence[int], size: int, rng: np.random.Generator
    ) -> list[tuple[Floats, Floats]]:
        """For each look, sums and numbers [size, K] of windows made of groups in a row."""
        n_photos = len(self._groups)
        photos = self._row_of_groups(size * looks[-1], rng).reshape(size, looks[-1])
        photos += n_photos * np.arange(size)[:, None]
        counts = np.zeros((size, n_photos))
        windows = []
        for begin, end in zip((0, *looks), looks, strict=False):
            drawn = np.bincount(photos[:, begin:end].ravel(), minlength=size * n_photos)
            counts += drawn.reshape(size, n_photos)
            windows.append((counts @ self._scores, counts @ self._defined))
        return windows

    def _row_of_groups(self, length: int, rng: np.random.Generator) -> Ints:
        """[length] photos: group after group, drawn with replacement, each in random order."""
        sizes = np.bincount(self._groups)
        shuffled = rng.permutation(len(self._groups))
        members = shuffled[np.argsort(self._groups[shuffled], kind="stable")]
        first = np.cumsum(sizes) - sizes
        groups = rng.integers(len(sizes), size=length)  # each has at least one photo
        ends = np.cumsum(sizes[groups])
        groups = groups[: int(np.searchsorted(ends, length)) + 1]
        begins = np.cumsum(sizes[groups]) - sizes[groups]
        place = np.arange(sizes[groups].sum()) - np.repeat(begins, sizes[groups])
        return members[np.repeat(first[groups], sizes[groups]) + place][:length]


@dataclass(frozen=True, eq=False)
class Thresholds:
    """P-values from drawn pairs.

    Attributes:
        distances: [pairs, looks, K] of each look and component, sorted.
        smallest: [pairs, looks] smallest p-value of each pair over all components and the looks up
            to this one, sorted.
    """

    distances: Floats
    smallest: Floats

    @classmethod
    def of(cls, distances: Floats, other_p_values: Floats) -> Thresholds:
        """From distances [pairs, looks, K] and p-values [pairs, looks] of a test besides them."""
        ordered = np.sort(distances, axis=0)
        smallest = other_p_values.copy()
        for look in range(distances.shape[1]):
            for k in range(distances.shape[2]):
                reached = _reached(ordered[:, look, k], distances[:, look, k])
                p_values = reached / (len(distances) + 1)
                np.minimum(smallest[:, look], p_values, out=smallest[:, look])
        return cls(ordered, np.sort(np.minimum.accumulate(smallest, axis=1), axis=0))

    def p_values(self, look: int, distances: Floats) -> Floats:
        """[K] of one look, each by itself: none is smaller than 1 / (pairs + 1)."""
        null = self.distances[:, look]
        reached = [_reached(null[:, k], distances[k]) for k in range(null.shape[1])]
        return (1 + np.array(reached)) / (len(null) + 1)

    def adjusted(self, p_value: float, looks: int) -> float:
        """The chance of a p-value so small anywhere in a run of so many looks."""
        smallest = self.smallest[:, looks - 1]
        at_most = np.searchsorted(smallest, p_value, "right")
        return float(1 + at_most) / (len(smallest) + 1)


def _reached(ordered: Floats, values: Floats) -> Ints:
    """How many of ``ordered`` reach each value; sums in another order may differ by rounding."""
    return len(ordered) - np.searchsorted(ordered, values - 1e-9, "left")
