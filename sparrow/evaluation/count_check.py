"""Whether a count model's intervals and probabilities hold on photos it was not fitted on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sparrow.evaluation.counting import CountModel
from sparrow.evaluation.matching import Bools, FlatDetections, Floats

BINS = 15  # of equal width, as in Guo et al. 2017


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predicted probabilities against what detections turn out to be.

    Attributes:
        probability, right, weight: [bins that hold any]: mean predicted probability, fraction that
            is right, fraction of all detections.
        error: expected calibration error, the weighted mean of |probability - right|.
    """

    probability: Floats
    right: Floats
    weight: Floats
    error: float


@dataclass(frozen=True, eq=False)
class CountCheck:
    """How a count model does on photos it was not fitted on.

    Attributes:
        coverage: fraction of photos whose true count is in the interval.
        mean_width: mean of high - low, in objects (0: a single number), over the intervals that
            are not open above; NaN where all are.
        exact: fraction of photos whose count is exact: no interval can cover less.
        mae, expected_mae: mean absolute error of the count and of the expected count.
        reliability: of the probabilities.
        photos: how many.
        minimums: in how many of them the count is a minimum, its interval open above.
        covered: [photos] whether each photo's true count is in its interval.
        by_kind: photos and coverage of each kind of photo that ``with_kinds`` was told.
    """

    coverage: float
    mean_width: float
    exact: float
    mae: float
    expected_mae: float
    reliability: Reliability
    photos: int
    minimums: int = 0
    covered: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))

    by_kind: dict[str, tuple[int, float]] = field(default_factory=dict)

    def with_kinds(self, kinds: Mapping[str, Bools]) -> CountCheck:
        """A copy that knows the coverage of each kind of photo that there is.

        Args:
            kinds: [photos] whether each photo is of the kind, by its name.
        """
        by_kind = {
            name: (int(inside.sum()), float(self.covered[inside].mean()))
            for name, inside in kinds.items()
            if inside.any()
        }
        return replace(self, by_kind=by_kind)


def check_count_model(model: CountModel, flat: FlatDetections) -> CountCheck:
    """Measure coverage, width and calibration on other photos than it was fitted on.

    A detection is right if it matches at the count model's own ``iou``.
    """
    true = flat.truths_per_photo()
    edges = np.searchsorted(flat.detection_photo, np.arange(1, len(true)))
    estimates = [model.estimate_scores(part) for part in np.split(flat.detection_score, edges)]
    count, low, high, expected = np.array(
        [
            (photo.count, photo.low, np.inf if photo.high is None else photo.high, photo.expected)
            for photo in estimates
        ]
    ).T
    closed, covered = np.isfinite(high), (low <= true) & (true <= high)
    probabilities = model.probability(flat.detection_score)
    return CountCheck(
        coverage=float(covered.mean()),
        mean_width=float((high - low)[closed].mean()) if closed.any() else math.nan,
        exact=float((count == true).mean()),
        mae=float(np.abs(count - true).mean()),
        expected_mae=float(np.abs(expected - true).mean()),
        reliability=reliability(probabilities, flat.right(model.iou)),
        photos=len(true),
        minimums=int((~closed).sum()),
        covered=covered,
    )


def reliability(probabilities: Floats, right: NDArray[np.bool_]) -> Reliability:
    """[D] predicted probabilities, and whether each detection is right, in bins."""
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    sizes = np.bincount(bins, minlength=BINS)
    held = sizes > 0
    predicted = np.bincount(bins, probabilities, minlength=BINS)[held] / sizes[held]
    observed = np.bincount(bins, right, minlength=BINS)[held] / sizes[held]
    weight = sizes[held] / max(sizes.sum(), 1)
    error = float((weight * np.abs(predicted - observed)).sum())
    return Reliability(predicted, observed, weight, error)
