"""How many objects are in a photo, and how sure that is. NumPy alone: the service runs this.

Each detection's score becomes the probability that it is an object (fitted in ``calibration``). The
sum of the probabilities, corrected for objects that leave no detection at all, is the expected
count; the variance of that sum (Poisson-binomial) says how hard the photo is; and the interval is
as many of its standard deviations wide as it took on validation photos to cover their true counts
(split-conformal on the standardised error; Lei et al. 2018, section 5.2). The Poisson-binomial
distribution by itself would be too sure: detections of one photo err together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sparrow.detections import Detections

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class CountEstimate:
    """Objects in one photo.

    Attributes:
        count: detections at or above the operating threshold: the boxes that are shown.
        low, high: integers with ``low <= count <= high``; they hold the true count with the
            model's confidence. ``high`` is None where the count is a minimum: the interval is open
            above.
        expected: the mean of what the count may be, from all detections.
    """

    count: int
    low: int
    high: int | None
    expected: float


# What a stored count model's single numbers may be, by the names of ``model.json``.
_LIMITS = {
    "confidence": (0.0, 1.0),
    "base": (-1e6, 1e6),
    "scale": (-1e6, 1e6),
    "reach": (0.0, 1e6),
    "photos": (0.0, 1e12),
    "iou": (0.0, 1.0),
}
# Names of ``model.json`` that differ from the attributes'.
_STORED = {"probability_knots": "chance_knots", "conformal_quantile": "reach"}
_THRESHOLD = "threshold"  # the model's own, in ``ModelInfo``; older models hold it here as well
_DETECTORS_OWN = (_THRESHOLD, "max_objects")


@dataclass(frozen=True)
class CountModel:
    """Turns scores into probabilities and detections into a count with its interval.

    Attributes:
        threshold: operating threshold of the detector; stored with the detector alone.
        confidence: nominal level: the fraction of photos whose true count the interval holds.
        method: how the probabilities were fitted: isotonic, logistic or constant.
        score_knots, probability_knots: the fitted curve, linear in between, constant outside; both
            rise.
        base, scale: expected count = base + scale × sum of probabilities.
        spread: (a, b, c): variance = a + b × sum of p(1-p) + c × expected count.
        conformal_quantile: half-width of the interval in standard deviations.
        photos: validation photos it was fitted on.
        iou: overlap at which a detection is an object, in "the probability that it is one".
        max_objects: the most that the detector finds in a photo, None where that is not known;
            stored with the detector alone. A count that reaches it is a minimum.
    """

    threshold: float
    confidence: float
    method: str
    score_knots: tuple[float, ...]
    probability_knots: tuple[float, ...]
    base: float
    scale: float
    spread: tuple[float, float, float]
    conformal_quantile: float
    photos: int
    iou: float = 0.5  # of every stored count model that does not say
    max_objects: int | None = None

    def probability(self, scores: ArrayLike) -> Floats:
        """[N] scores -> [N] probability in 0..1 that each detection is an object."""
        values = np.asarray(scores, dtype=np.float64)
        return np.interp(values, self.score_knots, self.probability_knots)

    def estimate(self, detections: Detections) -> CountEstimate:
        """Count the objects of one photo.

        Args:
            detections: all that the detector kept, those *below* the threshold included: the
                interval's upper side is made of them.
        """
        return self.estimate_scores(detections.scores)

    def estimate_scores(self, scores: NDArray[np.float32]) -> CountEstimate:
        """``estimate`` from the scores alone, [N] in falling order."""
        count = int((scores >= np.float32(self.threshold)).sum())
        expected, half_width = self.expected(scores)
        low = max(math.ceil(expected - half_width), 0)
        high = max(math.floor(expected + half_width), count)
        # Between two whole numbers there may be none: the count is always an answer.
        most = None if self.is_minimum(count) else high
        return CountEstimate(count, min(low, count), most, expected)

    def expected(self, scores: NDArray[np.float32]) -> tuple[float, float]:
        """Expected count of one photo and the half-width of its interval, neither rounded.

        Args:
            scores: [N], of all that the detector kept.
        """
        probabilities = self.probability(scores)
        variance = (probabilities * (1 - probabilities)).sum()
        expected, deviation = self.moments(probabilities.sum(), variance)
        return float(expected), self.conformal_quantile * float(deviation)

    def is_minimum(self, count: ArrayLike) -> Bools:
        """Whether counts reach the most that the detector finds, elementwise."""
        most = np.inf if self.max_objects is None else self.max_objects
        return np.asarray(count) >= most

    def moments(self, probabilities: ArrayLike, variances: ArrayLike) -> tuple[Floats, Floats]:
        """Expected count and its standard deviation, from sums of p and of p(1-p) per photo."""
        expected = self.base + self.scale * np.asarray(probabilities, dtype=np.float64)
        fixed, binomial, relative = self.spread
        variance = fixed + binomial * np.asarray(variances, dtype=np.float64) + relative * expected
        return expected, np.sqrt(variance)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without what the model's ``ModelInfo`` holds."""
        values = {_STORED.get(name, name): value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if name not in _DETECTORS_OWN}

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], threshold: float, max_objects: int | None = None
    ) -> CountModel:
        """The reverse of ``to_dict``.

        Args:
            values: of a model's ``model.json``.
            threshold: the model's, which holds also where ``values`` has one.
            max_objects: the model's.

        Raises:
            ValueError: a key is missing or unknown, or the curve is not one.
        """
        _check_keys(values)
        try:
            lists = {
                name: tuple(float(x) for x in values[name])
                for name in ("score_knots", "chance_knots", "spread")
            }
            single = {name: float(values.get(name, cls.iou)) for name in _LIMITS}
        except (TypeError, ValueError, OverflowError):
            raise ValueError("count model: expected numbers, and lists of them") from None
        _check_numbers(lists, single)
        if not isinstance(values["photos"], int) or not isinstance(values["method"], str):
            raise ValueError("count model: expected a number of photos and a method's name")
        stored = {**values, **single, **lists, "photos": values["photos"]}
        fields = [name for name in cls.__dataclass_fields__ if name not in _DETECTORS_OWN]
        own = {name: stored[_STORED.get(name, name)] for name in fields}
        return cls(threshold=threshold, max_objects=max_objects, **own)


def _check_keys(values: Mapping[str, Any]) -> None:
    fields = set(CountModel.__dataclass_fields__) - {"max_objects"}
    names = {_STORED.get(name, name) for name in fields}
    given = set(values) | {"iou", _THRESHOLD}
    if given != names:
        raise ValueError(
            f"count model: expected the keys {', '.join(sorted(names))}; missing "
            f"{sorted(names - given)}, unknown {sorted(given - names)}"
        )


def _check_numbers(lists: Mapping[str, tuple[float, ...]], single: Mapping[str, float]) -> None:
    knots, probabilities = lists["score_knots"], lists["chance_knots"]
    if len(lists["spread"]) != 3:
        raise ValueError("count model: expected numbers, and lists of them")
    if not np.isfinite([*knots, *probabilities, *lists["spread"], *single.values()]).all():
        raise ValueError("count model: expected finite numbers")
    for name, (low, high) in _LIMITS.items():
        if not low <= single[name] <= high:
            raise ValueError(
                f"count model: expected {name} in {low:g} to {high:g}, found {single[name]:g}"
            )
    if any(not 0 <= probability <= 1 for probability in probabilities):
        raise ValueError("count model: expected probabilities in 0 to 1")
    falls = any(np.diff(knots) < 0) or any(np.diff(probabilities) < 0)
    if len(knots) != len(probabilities) or not knots or falls:
        raise ValueError("count model: expected as many rising scores as rising probabilities")
