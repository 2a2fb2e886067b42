"""How many photos of a kind that a model knows are flagged as unlike it: whether a number is usual.

Standard library alone: the service runs this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SURPRISING = 0.05  # numbers of flagged photos that are rarer than this are not put down to chance


@dataclass(frozen=True)
class FalseAlarms:
    """How often photos of the kind are flagged, as held-out ones of the training were.

    Attributes:
        rate: 0..1, the share of all of them.
        correlation: 0..1, of two photos of one group (author, camera or visit): some groups have
            more flagged photos than chance alone gives (Griffiths 1973, the beta-binomial).
    """

    rate: float
    correlation: float = 0.0

    def explain(self, flagged: int, photos: int) -> bool:
        """Whether so many flagged ones are expected of so many photos of one camera.

        Where it is false, photos that the model knows would have fewer in 19 of 20 cases.
        """
        if flagged == 0:
            return True
        fewer = sum(math.exp(self._log_probability(n, photos)) for n in range(flagged))
        return 1 - fewer >= SURPRISING

    def _log_probability(self, flagged: int, photos: int) -> float:
        """The logarithm of the chance of exactly so many."""
        ways = _log_ways(photos, flagged)
        if not self.correlation:
            rest = (photos - flagged) * math.log1p(-self.rate)
            return ways + flagged * math.log(self.rate) + rest
        strength = 1 / self.correlation - 1
        a, b = self.rate * strength, (1 - self.rate) * strength
        return ways + _log_beta(flagged + a, photos - flagged + b) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_ways(photos: int, flagged: int) -> float:
    """The logarithm of the number of ways to choose the flagged ones."""
    return math.lgamma(photos + 1) - math.lgamma(flagged + 1) - math.lgamma(photos - flagged + 1)
