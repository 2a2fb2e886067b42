"""The null distribution: what it must be for means of independent and of grouped photos."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.null import Thresholds, sample_pairs, strength_of
from monitoring.ranks import Reference


def one_column(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 1))


def test_ranks_share_their_middle_and_the_made_up_photos_take_part() -> None:
    # In order: below all, 1, 2, 2, above all. Of 5, the value 2 has 2 below it and 4 up to it.
    reference = Reference(np.array([[1.0], [2.0], [2.0]]), np.arange(3))
    scores, defined = reference.scores(np.array([[2.0], [0.0], [9.0], [np.nan]]))
    assert scores[:, 0] == pytest.approx([0.6, 0.2, 0.8, 0.0])
    assert scores[:, 1] == pytest.approx([0.2, 0.6, 0.6, 0.0])  # distance from the middle, doubled
    assert defined[:, 0].tolist() == [1, 1, 1, 0]


def test_the_variance_of_independent_ranks_is_known() -> None:
    # The ranks of n photos are evenly spread over 0..1: variance 1/12, of their mean 1/(12 n).
    estimate = Reference(one_column(400, 1), np.arange(400)).estimate
    assert estimate.mean[0] == pytest.approx(0.5)
    assert estimate.variance[0] == pytest.approx(1 / 12 / 402, rel=0.01)


def test_distances_of_drawn_pairs_are_normal() -> None:
    # Beyond 1.96 in 5 % of pairs, at every size of window.
    reference = Reference(one_column(400, 2), np.arange(400))
    distances = sample_pairs(reference, (50, 800), 4000, seed=0)[:, :, 0]
    assert (distances > 1.96).mean(axis=0) == pytest.approx([0.05, 0.05], abs=0.012)


def test_photos_of_one_group_count_as_one() -> None:
    # Forty authors with eight equal photos each tell no more than forty photos.
    once = one_column(40, 3)
    alone = Reference(once, np.arange(40)).estimate.variance[0]
    eightfold = Reference(np.repeat(once, 8, axis=0), np.repeat(np.arange(40), 8))
    assert eightfold.estimate.variance[0] == pytest.approx(alone, rel=0.1)


def test_a_window_without_scores_says_nothing() -> None:
    estimate = Reference(one_column(50, 4), np.arange(50)).estimate
    assert estimate.distance(np.zeros(2), np.zeros(2)).tolist() == [0.0, 0.0]


def test_the_strongest_of_many_distances_is_corrected() -> None:
    rng = np.random.default_rng(5)
    null, fresh = np.abs(rng.normal(size=(2, 2000, 2, 3)))  # two windows of three columns
    thresholds = Thresholds.of(null, np.zeros((2000, 2)))
    strengths = np.stack([thresholds.strengths(i, fresh[:, i]) for i in (0, 1)], axis=1)
    assert (strengths >= 1).mean() == pytest.approx(0.01, abs=0.004)
    p_values = [thresholds.p_value(one.max(), windows=2) for one in strengths]
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.02)


def test_a_p_value_of_another_test_as_strength() -> None:
    assert strength_of(np.array([1.0, 0.01])) == pytest.approx([0, 1], abs=1e-9)
    assert strength_of(np.array([1e-6])) > 1.5
