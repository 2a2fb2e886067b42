"""How far apart a reference and a window come without drift, and the p-values that follow.

The reference is all that is known of the photos, so it stands for them: pairs of a reference and a
window are drawn from it again and again, *groups* (``sparrow.data.split.groups``) with replacement,
because photos of one group resemble each other and arrive together. Both sides are drawn, so that
a small reference's own luck is part of the null and no alarm; a window may be larger than the
reference. Each drawn pair goes through all that the real one does: ranks among its own reference,
and a distance over the standard error that its own reference's groups give (the bootstrap-t; Efron
and Tibshirani 1993, section 12.5). A drawn reference has one group fewer than the real one, which
makes the variance of its mean unbiased (Rao and Wu 1988).

Looks are nested (the newest 25, 100, … photos). Each distance is measured in its own null's 99 %
quantile, so that no column or look with long tails hides the others, and the largest over columns
and looks is compared with the largest one of each drawn pair (single-step max-T; Westfall and Young
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
CHUNK = 250  # pairs drawn at a time: bounds the memory


def draw_pairs(reference: Reference, looks: Sequence[int], pairs: int, seed: int) -> Floats:
    """Distances [pairs, looks, K] of drawn pairs; looks are sizes, smallest first."""
    rng = np.random.default_rng(seed)
    found = []
    for start in range(0, pairs, CHUNK):
        size = min(CHUNK, pairs - start)
        weights = _drawn_references(reference, size, rng)
        windows = _drawn_windows(reference.groups, looks, size, rng)
        found.append(reference.distances(weights, windows))
    return np.concatenate(found)


def _drawn_references(reference: Reference, size: int, rng: np.random.Generator) -> Floats:
    """[size, photos] how often each photo is in a drawn reference; the made-up ones once."""
    n_groups = reference.n_groups
    drawn = rng.multinomial(n_groups - 1, np.full(n_groups, 1 / n_groups), size=size)
    weights = np.column_stack([drawn, np.ones((size, MADE_UP))]).astype(float)
    return weights[:, reference.groups]


def _drawn_windows(
    groups: Ints, looks: Sequence[int], size: int, rng: np.random.Generator
) -> list[Floats]:
    """For each look, [size, photos] how often each photo is in windows of groups in a row."""
    n_photos = len(groups)
    photos = _row_of_groups(groups, size * looks[-1], rng).reshape(size, looks[-1])
    photos += n_photos * np.arange(size)[:, None]
    counts = np.zeros((size, n_photos))
    windows = []
    for begin, end in zip((0, *looks), looks, strict=False):
        drawn = np.bincount(photos[:, begin:end].ravel(), minlength=size * n_photos)
        counts = counts + drawn.reshape(size, n_photos)
        windows.append(counts)
    return windows


def _row_of_groups(groups: Ints, length: int, rng: np.random.Generator) -> Ints:
    """[length] photos: group after group, drawn with replacement, each in random order."""
    sizes = np.bincount(groups)
    shuffled = rng.permutation(len(groups))
    members = shuffled[np.argsort(groups[shuffled], kind="stable")]
    first = np.cumsum(sizes) - sizes
    drawn = rng.integers(len(sizes), size=length)  # each has at least one photo
    ends = np.cumsum(sizes[drawn])
    drawn = drawn[: int(np.searchsorted(ends, length)) + 1]
    begins = np.cumsum(sizes[drawn]) - sizes[drawn]
    place = np.arange(sizes[drawn].sum()) - np.repeat(begins, sizes[drawn])
    return members[np.repeat(first[drawn], sizes[drawn]) + place][:length]


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What drawn pairs say about distances.

    Attributes:
        unit: [looks, K] 99 % quantile of each look and component: a strength of 1.
        largest: [pairs, looks] largest strength of each pair over all components and the looks up
            to this one, sorted.
    """

    unit: Floats
    largest: Floats

    @classmethod
    def of(cls, distances: Floats, other_strengths: Floats) -> Thresholds:
        """From distances [pairs, looks, K] and strengths [pairs, looks] of a test besides them."""
        unit = np.quantile(distances, TAIL, axis=0)
        unit[unit == 0] = np.inf  # what never differs in drawn pairs cannot be judged
        largest = np.maximum((distances / unit).max(axis=2), other_strengths)
        return cls(unit, np.sort(np.maximum.accumulate(largest, axis=1), axis=0))

    def strengths(self, look: int, distances: Floats) -> Floats:
        """[K] distances of one look in units of the null."""
        return distances / self.unit[look]

    def p_value(self, strength: float, looks: int) -> float:
        """The chance of such a strength anywhere in a run of so many looks without drift."""
        largest = self.largest[:, looks - 1]
        reached = len(largest) - np.searchsorted(largest, strength - 1e-9, "left")
        return float(1 + reached) / (len(largest) + 1)


def strength_of(p_values: Floats) -> Floats:
    """P-values of another test as strengths: 1 % is 1, as for normally distributed distances."""
    from scipy.special import ndtri

    return np.asarray(-ndtri(p_values / 2) / -ndtri((1 - TAIL) / 2))
