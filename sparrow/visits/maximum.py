"""The most that was seen at once in one of several photos, with its interval.

The number is the largest count of one photo, whose boxes can be looked at. Its interval is made of
the photos' own: ``low`` to ``high`` is taken as a normal distribution around their middle that has
the model's confidence between ``low - 1/2`` and ``high + 1/2``. Then

- above: the largest of independent values lies below x with the product of their probabilities
  (David and Nagaraja, Order Statistics, 2003, section 2.1). Photos of one visit err together, which
  makes their largest smaller (Lehmann 1966): the bound holds for them as well.
- below, the larger of two bounds, each with half of what may fail: the (k+1)th largest ``low``,
  where of so many photos more than k fail too rarely (binomial: no shape is assumed), and the
  largest of lower bounds that hold for all photos at once (Sidak 1967), which is the better one for
  days with hundreds of photos.

One photo has its own interval. ``make bench-visits`` measures how often it holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

CONFIDENCE = 0.9  # of the photos' intervals, where the model does not say otherwise
_NORMAL = NormalDist()
_TINY = 1e-9  # a bound that is a whole number but for rounding is that number
_SLACK = 1e-3  # of a probability: photos far below the largest do not widen its interval
_MANY = 1000  # photos: beyond, the binomial's own terms are too small for a number


@dataclass(frozen=True, slots=True)
class Number:
    """A count of one photo, with its interval as ``PredictionRecord`` has it.

    ``low`` alone where the count is the least that there may be; neither where none is calibrated.
    """

    count: int
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Maximum:
    """The largest count of several photos.

    Attributes:
        count, low, high: as of a ``Number``.
        photo: place of the photo that shows it, of the first where several do.
    """

    count: int
    low: int | None
    high: int | None
    photo: int


def maximum_of(numbers: Sequence[Number], confidence: float = CONFIDENCE) -> Maximum:
    """The largest of some photos' counts.

    Args:
        numbers: one a photo, at least one.
        confidence: of their intervals, and of the answer's.
    """
    place = max(range(len(numbers)), key=lambda i: numbers[i].count)
    largest = numbers[place]
    lows = [number.low for number in numbers if number.low is not None]
    highs = [number.high for number in numbers if number.high is not None]
    if len(numbers) == 1 or len(lows) < len(numbers):  # where some have no interval, all have none
        return Maximum(largest.count, largest.low, largest.high, place)
    low = min(max(_shared_low(lows, confidence), 0), largest.count)
    if len(highs) < len(numbers):  # open above
        return Maximum(largest.count, low, None, place)
    spans = list(zip(lows, highs, strict=True))
    low = min(max(low, _sure_low(spans, confidence)), largest.count)
    return Maximum(largest.count, low, max(_high(spans, confidence), largest.count), place)


def _shared_low(lows: Sequence[int], confidence: float) -> int:
    """The (k+1)th largest lower bound: more than k of them hardly fail."""
    k = _most_failures(len(lows), (1 - confidence) / 2)
    return sorted(lows, reverse=True)[min(k, len(lows) - 1)]


def _sure_low(spans: Sequence[tuple[int, int]], confidence: float) -> int:
    """The largest of lower bounds that hold for all photos at once."""
    side = (1 - confidence) / 2
    wide = _NORMAL.inv_cdf((1 - side / 2) ** (1 / len(spans))) / _NORMAL.inv_cdf(1 - side)
    return max(math.floor(_middle(s) - wide * _half(s) + 0.5 + _TINY) for s in set(spans))


def _high(spans: Sequence[tuple[int, int]], confidence: float) -> int:
    """The least number that the largest of independent photos hardly exceeds."""
    side = (1 - confidence) / 2
    scale = _NORMAL.inv_cdf(1 - side)
    number = max(high for _, high in spans)
    while True:
        below = math.prod(
            _NORMAL.cdf((number + 0.5 - _middle(span)) * scale / _half(span)) for span in spans
        )
        if below >= 1 - side - _SLACK:
            return number
        number += 1


@cache
def _most_failures(photos: int, probability: float) -> int:
    """The least k that so many photos' failures exceed with half of ``probability`` at most."""
    if photos > _MANY:
        far = _NORMAL.inv_cdf(1 - probability / 2)
        return math.ceil(
            photos * probability + far * math.sqrt(photos * probability * (1 - probability))
        )
    k, term = 0, (1 - probability) ** photos
    total = term
    while total < 1 - probability / 2 and k < photos:
        term *= (photos - k) / (k + 1) * probability / (1 - probability)
        k, total = k + 1, total + term
    return k


def _middle(span: tuple[int, int]) -> float:
    return sum(span) / 2


def _half(span: tuple[int, int]) -> float:
    return (span[1] - span[0]) / 2 + 0.5
