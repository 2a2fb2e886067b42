"""Fitting what photos a model learnt from look like."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation.training_distribution import TrainingDistribution

FLAGGED = 0.02  # of held-out photos: few false alarms; authors differ, and it may become 1 in 20
FOLDS = 5
MIN_PHOTOS = 100  # below, two in a hundred are a photo or two
# Of what the photos have in common exactly: else the smallest difference would decide alone.
SMALLEST_VARIANCE = 0.01
MOST_CORRELATED = 0.5  # few flagged photos in few groups may seem to be more
SMALLEST_SCALE = 0.02  # of statistics that are fractions or logarithms


def fit_training_distribution(
    textures: NDArray[np.float32], groups: NDArray[np.int64]
) -> TrainingDistribution | None:
    """Fit on the photos that a model learnt from and those its threshold was chosen on.

    The limit is of distances of photos from a fit on photos of other groups: photos of one author,
    camera or visit resemble each other more than the next author's will.

    Args:
        textures: float32 [N, D] of ``sparrow.photo_texture``.
        groups: [N] numbers of the photos' groups.

    Returns:
        None where there are fewer than ``MIN_PHOTOS`` photos or ``FOLDS`` groups.
    """
    from sklearn.model_selection import GroupKFold

    if len(textures) < MIN_PHOTOS or len(np.unique(groups)) < FOLDS:
        return None
    held_out = np.zeros(len(textures), dtype=np.float32)
    for known, new in GroupKFold(FOLDS).split(textures, groups=groups):
        held_out[new] = _fit(textures[known], math.inf).distances(textures[new])
    # The conformal quantile: a new photo is beyond it with at most that probability.
    rank = math.ceil((1 - FLAGGED) * (len(held_out) + 1))
    limit = float(np.sort(held_out)[min(rank, len(held_out)) - 1])
    return replace(_fit(textures, limit), correlation=within_groups(held_out > limit, groups))


def within_groups(flagged: NDArray[np.bool_], groups: NDArray[np.int64]) -> float:
    """How alike photos of one group are in being flagged: the intraclass correlation, 0..1.

    By analysis of variance (Ridout, Demetrio and Firth 1999, "Estimating intraclass correlation for
    binary data"); 0 where groups of one photo each cannot tell.

    Args:
        flagged: [N].
        groups: [N] numbers of the photos' groups.
    """
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    total, number = len(flagged), len(sizes)
    if number < 2 or number == total:
        return 0.0
    fractions = np.bincount(place, weights=flagged) / sizes
    between = float((sizes * (fractions - flagged.mean()) ** 2).sum()) / (number - 1)
    inside = float((sizes * fractions * (1 - fractions)).sum()) / (total - number)
    usual = (total - float((sizes**2).sum()) / total) / (number - 1)
    spread = between + (usual - 1) * inside
    return min(max((between - inside) / spread, 0.0), MOST_CORRELATED) if spread > 0 else 0.0


def _fit(textures: NDArray[np.float32], limit: float) -> TrainingDistribution:
    from sklearn.covariance import LedoitWolf

    values = textures.astype(np.float64)
    centre, scale = values.mean(axis=0), np.sqrt(values.var(axis=0) + SMALLEST_SCALE**2)
    # Shrunk: there are hardly more photos than statistics (Ledoit and Wolf 2004).
    shrunk = LedoitWolf().fit(np.arcsinh((values - centre) / scale))
    variances, directions = np.linalg.eigh(shrunk.covariance_)
    variances = np.maximum(variances, SMALLEST_VARIANCE)
    return TrainingDistribution(
        centre=centre.astype(np.float32),
        scale=scale.astype(np.float32),
        location=shrunk.location_.astype(np.float32),
        whitening=(directions / np.sqrt(variances)).astype(np.float32),
        limit=limit,
        flagged=FLAGGED,
        photos=len(textures),
    )
