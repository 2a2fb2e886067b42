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
        # Two photos at once: half-widths are 1.955 / 1.645 = 1.19 times those of one.
        ([Number(3, 2, 4, 3.0, 1.0), Number(1, 1, 1, 1.0, 0.4)], (3, 2, 4)),
        ([Number(3, 3, 3, 3.0, 0.9), Number(1, 1, 1, 1.0, 0.4)], (3, 2, 4)),  # 3 +- 1.07
        # The second photo may hold more than the one that shows most: 2.5 + 1.19 * 3 = 6.07.
        ([Number(3, 3, 3, 3.1, 0.4), Number(2, 1, 5, 2.5, 3.0)], (3, 3, 6)),
        # Rounded intervals alone (an earlier release): each is as wide as it may have been.
        ([Number(3, 3, 3), Number(1, 1, 1)], (3, 3, 3)),
        ([Number(3, 2, 4), Number(2, 1, 6)], (3, 2, 7)),  # 3.5 + 1.19 * 3 = 7.06
    ],
)
def test_intervals_with_a_known_answer(
    numbers: list[Number], expected: tuple[int, int, int]
) -> None:
    most = maximum_of(numbers)
    assert (most.count, most.low, most.high) == expected


def test_a_box_that_the_expected_count_does_not_bear_out_is_not_counted() -> None:
    """Three boxes of which one is doubtful: one photo says its boxes, several say the sure ones."""
    doubtful, sure = Number(3, 2, 3, 2.3, 0.6), Number(2, 2, 2, 2.1, 0.4)
    assert maximum_of([doubtful]).count == 3
    assert maximum_of([doubtful, sure]) == Maximum(2, 2, 3, 1)  # the second shows as many boxes
    assert maximum_of([Number(1, 1, 3, 2.9, 1.2)] * 2).count == 1  # never more than the boxes


def test_of_many_photos_few_that_show_it_are_not_lost() -> None:
    most = maximum_of([Number(1, 1, 1)] * 290 + [Number(8, 8, 8)] * 10)
    # 300 photos at once: 3.58 / 1.645 = 2.18 times 0.5 around 8
    assert (most.count, most.low, most.high) == (8, 7, 9)


def test_more_photos_than_a_power_can_hold() -> None:
    most = maximum_of([Number(2, 1, 3)] * 30_000)
    assert (most.low, most.high) == (0, 6)  # 4.64 / 1.645 = 2.8 times 1.5 around 2


WITHHELD = Number(1, None, None, 1.0, 0.5)  # of a photo unlike the training's


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        # The photo without a range could hold 1 + 1.30 * 0.5, the others say 3 +- 1.30 * 1.
        ([Number(3, 2, 4, 3.0, 1.0)] * 2 + [WITHHELD], (3, 2, 4)),
        ([Number(3, 2, 4, 3.0, 1.0)] * 2 + [Number(4, None, None, 4.0, 0.9)], (4, None, None)),
        ([Number(1, 1, 1, 1.0, 0.4)] * 2 + [Number(2, None, None, 1.5, 2.0)], (1, None, None)),
        ([WITHHELD, WITHHELD], (1, None, None)),
        # Nothing is found where nothing could be seen: another photo shows something, or none does.
        ([Number(2, 2, 2, 2.0, 0.4), Number(0, None, None, 0.0, 0.1)], (2, 2, 2)),
        ([Number(0, 0, 0, 0.0, 0.1), Number(0, None, None, 0.0, 0.1)], (0, None, None)),
    ],
)
def test_a_withheld_interval_leaves_one_if_it_could_hold_no_more(
    numbers: list[Number], expected: tuple[int, int | None, int | None]
) -> None:
    most = maximum_of(numbers)
    assert (most.count, most.low, most.high) == expected


def test_more_flagged_photos_than_usual_leave_none() -> None:
    numbers = [Number(3, 2, 4, 3.0, 1.0)] * 2 + [WITHHELD]
    assert maximum_of(numbers, usual=False).low is None
    assert maximum_of(numbers[:2], usual=False).low == 2  # none is withheld


def test_of_equal_photos_one_with_an_interval_shows_it() -> None:
    odd = Number(3, None, None, 3.0, 0.5)
    assert maximum_of([odd, Number(3, 3, 3, 3.0, 0.5)]).photo == 1


@pytest.mark.parametrize(
    ("numbers", "low"),
    [
        ([Number(120, 117, None), Number(3, 2, 4)], 117),  # open above, as the photo's own
        ([Number(3, None, None), Number(2, None, None)], None),  # no calibrated count
        ([Number(120, 120, None), Number(2, None, None)], 120),
        ([Number(3, None, None), Number(2, 2, 2)], None),
        ([Number(3, 2, 4), Number(2, None, None)], None),  # the second may hold any number
    ],
)
def test_open_and_missing_intervals_stay_so(numbers: list[Number], low: int | None) -> None:
    most = maximum_of(numbers)
    assert (most.low, most.high) == (low, None)
