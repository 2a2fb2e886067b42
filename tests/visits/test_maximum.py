"""The most at once in one of several photos, and its interval."""

from __future__ import annotations

import pytest

from sparrow.visits.maximum import Maximum, Number, maximum_of


def test_one_photo_has_its_own_interval() -> None:
    assert maximum_of([Number(3, 2, 5)]) == Maximum(3, 2, 5, 0)


def test_the_first_photo_with_the_largest_count_shows_it() -> None:
    assert maximum_of([Number(1, 1, 1), Number(4, 4, 5), Number(4, 4, 4)]).photo == 1


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        # Alone at the top: a false detection in this photo would leave less.
        ([Number(3, 3, 3), Number(1, 1, 1)], (3, 2, 3)),
        # Each of two photos that show it may hold one more.
        ([Number(3, 3, 3), Number(3, 3, 3)], (3, 3, 4)),
        # A photo with a wide interval may hold more than the one that shows most.
        ([Number(3, 3, 3), Number(2, 1, 6)], (3, 2, 6)),
    ],
)
def test_intervals_with_a_known_answer(
    numbers: list[Number], expected: tuple[int, int, int]
) -> None:
    most = maximum_of(numbers)
    assert (most.count, most.low, most.high) == expected


def test_of_many_photos_few_that_show_it_are_not_lost() -> None:
    most = maximum_of([Number(1, 1, 1)] * 290 + [Number(8, 8, 8)] * 10)
    assert (most.count, most.low, most.high) == (8, 7, 9)


def test_more_photos_than_a_power_can_hold() -> None:
    most = maximum_of([Number(2, 1, 3)] * 30_000)
    assert most.low == 1


@pytest.mark.parametrize(
    ("numbers", "low"),
    [
        ([Number(120, 117, None), Number(3, 2, 4)], 2),  # open above, as the photo's own
        ([Number(3, None, None), Number(2, None, None)], None),  # no calibrated count
        ([Number(120, 120, None), Number(2, None, None)], 120),
        ([Number(3, None, None), Number(2, 2, 2)], None),
    ],
)
def test_open_and_missing_intervals_stay_so(numbers: list[Number], low: int | None) -> None:
    most = maximum_of(numbers)
    assert (most.low, most.high) == (low, None)
