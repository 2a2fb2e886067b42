"""Nested windows of a run, and which null distribution each of them has."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.null import Thresholds
from monitoring.significance import NestedWindow, SignificanceTest, nested_windows


@pytest.mark.parametrize(
    ("photos", "expected"),
    [
        (0, []),
        (24, []),
        (25, [(25, 0)]),
        (60, [(25, 0), (60, 0)]),  # between two sizes: the smaller one's null
        (100, [(25, 0), (100, 1)]),
        (900, [(25, 0), (100, 1), (900, 1)]),
    ],
)
def test_windows_are_nested_and_the_last_has_all_photos(
    photos: int, expected: list[tuple[int, int]]
) -> None:
    assert nested_windows(photos, (25, 100)) == [NestedWindow(*window) for window in expected]


def test_a_p_value_is_adjusted_for_the_windows_of_the_run() -> None:
    # Largest strength of each of four pairs: 1, 2, 3, 4 in the first window; twice that in both.
    first = np.arange(1.0, 5.0)
    thresholds = Thresholds(unit=np.ones((2, 1)), largest=np.column_stack([first, 2 * first]))
    test = SignificanceTest(thresholds, (25, 100), 0.5)
    # One pair of four is as strong as 4 in one window, three of them in two: (1 + n) / (1 + 4).
    assert test.p_value(4.0, photos=25) == pytest.approx(0.4)
    assert test.p_value(4.0, photos=100) == pytest.approx(0.8)
    assert test.is_drift(0.5)
    assert not test.is_drift(0.51)
