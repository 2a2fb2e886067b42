"""The most that was seen at once in one of several photos, with its interval.

The largest of several counts is too high more often than a count: a false detection in any photo
raises it. So a photo stands for as many of its boxes as its expected count bears out, and the
number is the largest of these. It is never more than the boxes that can be looked at.

The interval is made of bounds that hold for all photos at once: a photo's expected count less and
plus its half-width, which is widened as if n photos erred independently of each other (Sidak
1967). The truth is then no less than the largest of the lower bounds, and no more than the largest
of the upper ones. Photos of one visit err together, which makes the bounds safer, not weaker.

A photo by itself has its own count and interval. ``make bench-visits`` measures how often it holds.

Of some photos the interval is withheld: of those flagged as unlike the training, and of those in
which nothing is found and small objects could not be seen. Where no more are flagged than of photos
that the model knows, the interval is made of the others, as long as none of the withheld ones could
hold more than it says; nor does it then say that there was nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

CONFIDENCE = 0.9  # of the photos' intervals, where the model does not say otherwise
_NORMAL = NormalDist()
_ROUNDING = 0.4  # a half, less what the largest of some photos' expected counts is too high by
_TINY = 1e-9  # a bound that is a whole number but for rounding is that number


@dataclass(frozen=True, slots=True)
class Number:
    """A count of one photo, with its interval as ``PredictionRecord`` has it.

    ``low`` alone where the count is the least that there may be; neither where none is calibrated,
    or the interval is withheld.

    Attributes:
        count, low, high: objects.
        expected, half_width: what the interval was rounded from, be it withheld; None where that
            was not noted.
    """

    count: int
    low: int | None
    high: int | None
    expected: float | None = None
    half_width: float | None = None

    @property
    def supported(self) -> int:
        """As much of the count as the expected count bears out."""
        if self.expected is None:
            return self.count
        return max(min(self.count, math.floor(self.expected + _ROUNDING)), 0)


def with_expected(
    numbers: Sequence[Number], expected: Sequence[Sequence[float] | None]
) -> tuple[Number, ...]:
    """The numbers of one photo with what their intervals were rounded from.

    Args:
        numbers: of all classes together, then of each.
        expected: of ``CountedPhoto``; empty where it is not known.
    """
    known = expected or [None] * len(numbers)
    return tuple(
        number if pair is None else replace(number, expected=pair[0], half_width=pair[1])
        for number, pair in zip(numbers, known, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Maximum:
    """The largest of several photos' counts.

    Attributes:
        count, low, high: as of a ``Number``.
        photo: place of the photo that shows it, of the first where several do.
    """

    count: int
    low: int | None
    high: int | None
    photo: int


def maximum_of(
    numbers: Sequence[Number], confidence: float = CONFIDENCE, *, usual: bool = True
) -> Maximum:
    """The largest of some photos' counts.

    Its interval is open above where a count is a minimum; see above for where it has none.

    Args:
        numbers: one a photo, at least one.
        confidence: of their intervals, and of the answer's.
        usual: whether no more photos are flagged than of those that the model knows.
    """
    if len(numbers) == 1:
        return Maximum(numbers[0].count, numbers[0].low, numbers[0].high, 0)
    least = [n.count for n in numbers if n.low is not None and n.high is None]
    if least:
        place = max(range(len(numbers)), key=lambda i: numbers[i].count)
        return Maximum(numbers[place].count, max(n.low or 0 for n in numbers), None, place)
    place = max(range(len(numbers)), key=lambda i: _shows(numbers[i]))
    most = numbers[place].supported
    known = {number for number in numbers if number.low is not None}
    withheld = set(numbers) - known
    if not known or (withheld and not usual) or any(n.half_width is None for n in withheld):
        return Maximum(most, None, None, place)
    wide = _widening(len(numbers), confidence)
    low, high = _bounds(known, wide)
    high = max(high, *(number.supported for number in known))
    if withheld and (high < 1 or max(_bounds(withheld, wide)[1], most) > high):
        return Maximum(most, None, None, place)
    return Maximum(most, min(max(low, 0), most), high, place)


def _bounds(numbers: Collection[Number], wide: float) -> tuple[int, int]:
    """The largest lower and upper bounds, each ``wide`` times as far as a photo's own."""
    spans = [_span(number) for number in numbers]
    low = max(math.ceil(middle - wide * half - _TINY) for middle, half in spans)
    high = max(math.floor(middle + wide * half + _TINY) for middle, half in spans)
    return low, high


def _shows(number: Number) -> tuple[int, bool, bool]:
    """The photo that shows a number best has an interval, and as many boxes."""
    return number.supported, number.low is not None, number.count == number.supported


def _span(number: Number) -> tuple[float, float]:
    """Middle and half-width; of a rounded interval those that it is rounded from at the widest."""
    if number.expected is not None and number.half_width is not None:
        return number.expected, number.half_width
    low, high = number.low or 0, number.high or 0
    return (low + high) / 2, (high - low) / 2 + 0.5 - _TINY * 2


def _widening(photos: int, confidence: float) -> float:
    """How much wider bounds are that hold for so many photos at once than those for one."""
    side = (1 - confidence) / 2
    return _NORMAL.inv_cdf((1 - side) ** (1 / photos)) / _NORMAL.inv_cdf(1 - side)
