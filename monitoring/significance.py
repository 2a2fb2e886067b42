"""The nested windows of a run, and the p-values of what differs in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.null import Thresholds


@dataclass(frozen=True)
class NestedWindow:
    """The newest photos.

    Attributes:
        photos: how many.
        null: index of the calibrated window whose null distribution they have.
    """

    photos: int
    null: int


def nested_windows(photos: int, sizes: Sequence[int]) -> list[NestedWindow]:
    """Nested windows of so many photos, the last of them all; none below the smallest size.

    A number between two calibrated sizes has the null of the smaller one, whose tails are heavier.

    Args:
        photos: how many there are.
        sizes: the calibrated ones, smallest first.
    """
    fitting = [size for size in sizes if size <= photos]
    windows = [NestedWindow(size, index) for index, size in enumerate(fitting)]
    if fitting and photos > fitting[-1]:
        windows.append(NestedWindow(photos, len(fitting) - 1))
    return windows


@dataclass(frozen=True, eq=False)
class SignificanceTest:
    """The test of a whole run: all columns and nested windows at one rate of false alarms.

    Attributes:
        thresholds: of the null distribution.
        sizes: of the calibrated windows in photos, smallest first.
        false_alarm_rate: of a run without drift.
    """

    thresholds: Thresholds
    sizes: Sequence[int]
    false_alarm_rate: float

    def windows(self, photos: int) -> list[NestedWindow]:
        """See ``nested_windows``."""
        return nested_windows(photos, self.sizes)

    def p_value(self, strength: float, photos: int) -> float:
        """Adjusted for all columns, and the nested windows of a run on so many photos."""
        windows = min(len(self.windows(photos)), len(self.sizes))
        return self.thresholds.p_value(strength, windows)

    def is_drift(self, p_value: float) -> bool:
        """Whether a p-value is an alarm."""
        return p_value <= self.false_alarm_rate
