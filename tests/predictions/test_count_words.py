"""One form of a count for people, minimums included."""

from __future__ import annotations

import pytest

from sparrow.predictions.count_words import count_in_words, interval_in_words, total_in_words

ONE, TWO = ("house_sparrow",), ("robin", "wren")


@pytest.mark.parametrize(
    ("count", "low", "high", "words"),
    [
        (0, None, None, "No house sparrows"),
        (0, 0, 2, "No house sparrows, likely 0 to 2"),
        (1, 1, 1, "1 house sparrow"),
        (3, 2, 4, "3 house sparrows, likely 2 to 4"),
        # A model that finds 120 at most: with a calibrated count, and without.
        (120, 117, None, "120 or more house sparrows, likely 117 or more"),
        (120, 120, None, "120 or more house sparrows"),
    ],
)
def test_a_count_in_words(count: int, low: int | None, high: int | None, words: str) -> None:
    assert count_in_words(count, low, high, ONE) == words


def test_intervals_and_totals() -> None:
    assert [interval_in_words(None, None), interval_in_words(2, 2)] == ["", "2 to 2"]
    assert interval_in_words(117, None) == "117 or more"
    assert total_in_words(0, ONE, minimum=False) == "No house sparrows"
    assert total_in_words(7, TWO, minimum=False) == "7 objects"
    assert total_in_words(127, TWO, minimum=True) == "at least 127 objects"
