"""How many birds are in a photo, and how sure that is. NumPy alone: the service runs this.

Each detection's score becomes the chance that it is a bird (fitted in ``calibration``). The sum of
the chances, corrected for birds that leave no detection at all, is the expected count; the
variance of that sum (Poisson-binomial) says how hard the photo is; and the interval reaches as
many of its standard deviations as it took on validation photos to cover their true counts
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


@dataclass(frozen=True)
class CountEstimate:
    """Birds in one photo.

    Attributes:
        count: detections at or above the operating threshold: the boxes one sees.
        low, high: integers with ``low <= count <= high``; they hold the true count with the
            model's confidence.
        expected: the mean of what the count may be, from all detections.
    """

    count: int
    low: int
    high: int
    expected: float


@dataclass(frozen=True)
class CountModel:
    """Turns scores into chances and detections into a count with its interval.

    Attributes:
        threshold: operating threshold of the detector.
        confidence: share of photos whose true count the interval holds.
        method: how the chances were fitted: isotonic, logistic or constant.
        score_knots, chance_knots: the fitted curve, linear in between, flat outside; both rise.
        base, scale: expected count = base + scale × sum of chances.
        spread: (a, b, c): variance = a + b × sum of p(1-p) + c × expected count.
        reach: half-width of the interval in standard deviations.
        photos: validation photos it was fitted on.
        iou: overlap at which a detection is a bird, in "the chance that it is one".
    """

    threshold: float
    confidence: float
    method: str
    score_knots: tuple[float, ...]
    chance_knots: tuple[float, ...]
    base: float
    scale: float
    spread: tuple[float, float, float]
    reach: float
    photos: int
    iou: float = 0.5  # what every count model was fitted at that does not say

    def chance(self, scores: ArrayLike) -> Floats:
        """[N] scores -> [N] chance in 0..1 that each detection is a bird."""
        values = np.asarray(scores, dtype=np.float64)
        return np.interp(values, self.score_knots, self.chance_knots)

    def estimate(self, detections: Detections) -> CountEstimate:
        """Count the birds of one photo.

        Args:
            detections: all that the detector kept, those *below* the threshold included: they are
                what the interval's upper side is made of.
        """
        chances = self.chance(detections.scores)
        count = len(detections.above(self.threshold))
        expected, deviation = self.moments(chances.sum(), (chances * (1 - chances)).sum())
        reach = self.reach * float(deviation)
        low = max(math.ceil(float(expected) - reach), 0)
        high = math.floor(float(expected) + reach)
        # Between two whole numbers there may be none: the count is always an answer.
        return CountEstimate(count, min(low, count), max(high, count), float(expected))

    def moments(self, chances: ArrayLike, variances: ArrayLike) -> tuple[Floats, Floats]:
        """Expected count and its standard deviation, from sums of p and of p(1-p) per photo."""
        expected = self.base + self.scale * np.asarray(chances, dtype=np.float64)
        fixed, drawn, relative = self.spread
        variance = fixed + drawn * np.asarray(variances, dtype=np.float64) + relative * expected
        return expected, np.sqrt(variance)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CountModel:
        """The reverse of ``to_dict``.

        Raises:
            ValueError: a key is missing or unknown, or the curve is not one.
        """
        names = set(cls.__dataclass_fields__)
        if set(values) | {"iou"} != names:
            raise ValueError(
                f"count model: expected the keys {', '.join(sorted(names))}; missing "
                f"{sorted(names - set(values) - {'iou'})}, unknown {sorted(set(values) - names)}"
            )
        try:
            knots = tuple(float(x) for x in values["score_knots"])
            chances = tuple(float(x) for x in values["chance_knots"])
            fixed, drawn, relative = (float(x) for x in values["spread"])
        except (TypeError, ValueError):
            raise ValueError("count model: expected lists of numbers") from None
        if not np.isfinite([*knots, *chances, fixed, drawn, relative]).all():
            raise ValueError("count model: expected finite numbers")
        falls = any(np.diff(knots) < 0) or any(np.diff(chances) < 0)
        if len(knots) != len(chances) or not knots or falls:
            raise ValueError("count model: expected as many rising scores as rising chances")
        return cls(
            **{
                **values,
                "score_knots": knots,
                "chance_knots": chances,
                "spread": (fixed, drawn, relative),
            }
        )
