"""How far apart a reference and a window are without drift, and the p-values that follow.

The reference is all that is known of the photos: pairs of a reference and a window are sampled
from it again and again, *groups* (``sparrow.data.split.groups``) with replacement,
because photos of one group resemble each other and arrive together. Both sides are sampled, so
that a small reference's own luck is part of the null and no alarm; a window may be larger than the
reference. Each sampled pair goes through all that the real one does: ranks among its own reference,
and a distance over the standard error that its own reference's groups give (the bootstrap-t; Efron
and Tibshirani 1993, section 12.5). A sampled reference has one group fewer than the real one, which
makes the variance of its mean unbiased (Rao and Wu 1988).

Windows are nested (the newest 25, 100, … photos). Each distance is measured in its own null's 99 %
quantile, so that no column or window with long tails hides the others, and the largest over columns
and windows is compared with the largest of each sampled pair (single-step max-T; Westfall and Young
1993, section 2.3). That holds the rate of false alarms of a whole run for columns that depend on
each other in whatever way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.columns import Floats
from monitoring.ranks import MADE_UP, Ints, Reference

TAIL = 0.99
CHUNK = 250  # pairs sampled at a time: bounds the memory


def sample_pairs(reference: Reference, sizes: Sequence[int], pairs: int, seed: int) -> Floats:
    """Distances [pairs, windows, K] of sampled pairs.

    Args:
        reference: what is sampled from.
        sizes: of the nested windows in photos, smallest first.
        pairs: how many.
        seed: the same seed gives the same pairs.
    """
    rng = np.random.default_rng(seed)
    distances = []
    for start in range(0, pairs, CHUNK):
        size = min(CHUNK, pairs - start)
        weights = _sampled_references(reference, size, rng)
        windows = _sampled_windows(reference.groups, sizes, size, rng)
        distances.append(reference.distances(weights, windows))
    return np.concatenate(distances)


def _sampled_references(reference: Reference, size: int, rng: np.random.Generator) -> Floats:
    """[size, photos] how often each photo is in a sampled reference; made-up ones once."""
    n_groups = reference.n_groups
    times = rng.multinomial(n_groups - 1, np.full(n_groups, 1 / n_groups), size=size)
    weights = np.column_stack([times, np.ones((size, MADE_UP))]).astype(float)
    return weights[:, reference.groups]


def _sampled_windows(
    groups: Ints, sizes: Sequence[int], size: int, rng: np.random.Generator
) -> list[Floats]:
    """For each nested window, [size, photos] how often each photo is in it; groups in a row."""
    n_photos = len(groups)
    photos = _row_of_groups(groups, size * sizes[-1], rng).reshape(size, sizes[-1])
    photos += n_photos * np.arange(size)[:, None]
    counts = np.zeros((size, n_photos))
    windows = []
    for begin, end in zip((0, *sizes), sizes, strict=False):
        added = np.bincount(photos[:, begin:end].ravel(), minlength=size * n_photos)
        counts = counts + added.reshape(size, n_photos)
        windows.append(counts)
    return windows


def _row_of_groups(groups: Ints, length: int, rng: np.random.Generator) -> Ints:
    """[length] photos: group after group, sampled with replacement, each in random order."""
    sizes = np.bincount(groups)
    shuffled = rng.permutation(len(groups))
    members = shuffled[np.argsort(groups[shuffled], kind="stable")]
    first = np.cumsum(sizes) - sizes
    chosen = rng.integers(len(sizes), size=length)  # each has at least one photo
    ends = np.cumsum(sizes[chosen])
    chosen = chosen[: int(np.searchsorted(ends, length)) + 1]
    begins = np.cumsum(sizes[chosen]) - sizes[chosen]
    place = np.arange(sizes[chosen].sum()) - np.repeat(begins, sizes[chosen])
    return members[np.repeat(first[chosen], sizes[chosen]) + place][:length]


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What sampled pairs say about distances.

    Attributes:
        unit: [windows, K] 99 % quantile of each window and component: a strength of 1.
        largest: [pairs, windows] largest strength of each pair over all components and the
            windows up to this one, sorted.
    """

    unit: Floats
    largest: Floats

    @classmethod
    def of(cls, distances: Floats, other_strengths: Floats) -> Thresholds:
        """From distances [pairs, windows, K] and another test's strengths [pairs, windows]."""
        unit = np.quantile(distances, TAIL, axis=0)
        unit[unit == 0] = np.inf  # what never differs in sampled pairs cannot be tested
        largest = np.maximum((distances / unit).max(axis=2), other_strengths)
        return cls(unit, np.sort(np.maximum.accumulate(largest, axis=1), axis=0))

    def strengths(self, window: int, distances: Floats) -> Floats:
        """[K] distances of one nested window, by its index, in units of the null."""
        return distances / self.unit[window]

    def p_value(self, strength: float, windows: int) -> float:
        """Probability of such a strength anywhere in a run of so many windows without drift."""
        largest = self.largest[:, windows - 1]
        reached = len(largest) - np.searchsorted(largest, strength - 1e-9, "left")
        return float(1 + reached) / (len(largest) + 1)


def strength_of(p_values: Floats) -> Floats:
    """P-values of another test as strengths: 1 % is 1, as for normally distributed distances."""
    from scipy.special import ndtri

    return np.asarray(-ndtri(p_values / 2) / -ndtri((1 - TAIL) / 2))
