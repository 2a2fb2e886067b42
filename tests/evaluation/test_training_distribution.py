"""Whether a photo is of the kind that a model learnt from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sparrow.evaluation.fit_distribution import (
    FLAGGED,
    MIN_PHOTOS,
    MOST_CORRELATED,
    fit_training_distribution,
    within_groups,
)
from sparrow.evaluation.training_distribution import TRAINING_DISTRIBUTION, TrainingDistribution
from sparrow.false_alarms import FalseAlarms

DIMENSIONS = 6


def photos(n: int, seed: int, shift: float = 0.0) -> NDArray[np.float32]:
    """[n, 6] statistics: strongly correlated pairs of very different spread, and one constant."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, DIMENSIONS)) * [1, 100, 0.1, 1, 1, 0]
    values[:, 3] = values[:, 0] + 0.1 * values[:, 3] + shift
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def distribution() -> TrainingDistribution:
    fitted = fit_training_distribution(photos(2000, 1), np.arange(2000) // 4)
    assert fitted is not None
    return fitted


@pytest.mark.parametrize(("n", "groups"), [(0, 0), (MIN_PHOTOS - 1, 50), (500, 4)])
def test_few_photos_or_groups_say_nothing(n: int, groups: int) -> None:
    assert fit_training_distribution(photos(n, 1), np.arange(n) % max(groups, 1)) is None


def test_of_new_photos_of_the_kind_the_chosen_share_is_flagged(
    distribution: TrainingDistribution,
) -> None:
    flagged = distribution.distances(photos(5000, 2)) > distribution.limit
    # Binomial: standard error 0.2 % of 5,000 new ones, and 0.3 % of the 2,000 it was fitted on.
    assert abs(flagged.mean() - FLAGGED) < 0.011


def test_photos_that_break_a_relation_are_unlike_though_each_number_is_usual(
    distribution: TrainingDistribution,
) -> None:
    """Both numbers move with each other in the training; apart, each stays within its range."""
    strange = photos(500, 3, shift=1.5)
    assert (distribution.distances(strange) > distribution.limit).mean() > 0.95
    assert np.abs(strange[:, 3]).max() < 6


def test_a_number_that_never_varied_does_not_decide_alone(
    distribution: TrainingDistribution,
) -> None:
    usual = photos(500, 4)
    usual[:, 5] = 0.001  # a share of the photo, where every photo of the training had 0
    assert (distribution.distances(usual) > distribution.limit).mean() < 4 * FLAGGED


@pytest.mark.parametrize(
    ("flagged", "groups", "correlation"),
    [
        ([], [], 0.0),
        ([1, 0, 0, 0], [0, 1, 2, 3], 0.0),  # groups of one photo cannot tell
        ([1, 0, 1, 0], [0, 0, 1, 1], 0.0),  # no more alike than others: a negative estimate
        ([0, 0, 0, 0], [0, 0, 1, 1], 0.0),
        ([1, 1, 0, 0], [0, 0, 1, 1], MOST_CORRELATED),  # 1 by the estimate
    ],
)
def test_how_alike_photos_of_a_group_are(
    flagged: list[int], groups: list[int], correlation: float
) -> None:
    estimate = within_groups(np.array(flagged, dtype=bool), np.array(groups, dtype=np.int64))
    assert estimate == pytest.approx(correlation)


def test_the_correlation_is_that_of_the_draw() -> None:
    """Groups of 20 with shares of Beta(0.4, 3.6): mean 0.1, correlation 1 / (1 + 4) = 0.2."""
    rng = np.random.default_rng(5)
    flagged = rng.random((400, 20)) < rng.beta(0.4, 3.6, (400, 1))
    estimate = within_groups(flagged.ravel(), np.repeat(np.arange(400), 20))
    assert estimate == pytest.approx(0.2, abs=0.05)


def test_it_is_kept_in_a_file(distribution: TrainingDistribution, tmp_path: Path) -> None:
    assert TrainingDistribution.load(tmp_path) is None  # of a model that has none
    distribution.save(tmp_path)
    read = TrainingDistribution.load(tmp_path)
    assert read is not None
    assert (read.limit, read.photos) == (distribution.limit, 2000)
    assert read.false_alarms == FalseAlarms(FLAGGED, distribution.correlation)
    new = photos(50, 5)
    np.testing.assert_array_equal(read.distances(new), distribution.distances(new))


def test_one_of_an_earlier_release_says_nothing_of_groups(
    distribution: TrainingDistribution, tmp_path: Path
) -> None:
    distribution.save(tmp_path)
    path = tmp_path / TRAINING_DISTRIBUTION
    with np.load(path) as values:
        kept = {name: values[name] for name in values.files if name != "correlation"}
    np.savez(path, **kept)
    read = TrainingDistribution.load(tmp_path)
    assert read is not None
    assert read.false_alarms == FalseAlarms(FLAGGED)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "object", "shape"])
def test_a_file_that_is_none_is_named(
    distribution: TrainingDistribution, tmp_path: Path, damage: str
) -> None:
    distribution.save(tmp_path)
    path = tmp_path / TRAINING_DISTRIBUTION
    whole = path.read_bytes()
    if damage == "object":
        np.savez(path, centre=np.array([{"a": 1}], dtype=object))
    elif damage == "shape":
        values = {name: getattr(distribution, name) for name in distribution.__dataclass_fields__}
        np.savez(path, **{**values, "whitening": np.zeros((2, 2), np.float32)})
    else:
        path.write_bytes({"empty": b"", "text": b"no archive", "cut": whole[:300]}[damage])
    with pytest.raises(
        ValueError, match=r"training_distribution\.npz: this is not the distribution of a model"
    ):
        TrainingDistribution.load(tmp_path)
