"""Whether a number of flagged photos is usual."""

from __future__ import annotations

import pytest
from scipy.stats import betabinom, binom

from sparrow.false_alarms import SURPRISING, FalseAlarms


def test_none_flagged_is_always_usual() -> None:
    assert FalseAlarms(0.02).explain(0, 0)
    assert FalseAlarms(0.02).explain(0, 3000)


@pytest.mark.parametrize(("photos", "most"), [(1, 0), (2, 0), (3, 1), (18, 1), (19, 2), (300, 10)])
def test_of_independent_photos_the_number_is_the_binomials(photos: int, most: int) -> None:
    """At 2 %, one of two has a chance of 4.0 %, one of three of 5.9 %."""
    alarms = FalseAlarms(0.02)
    assert alarms.explain(most, photos)
    assert not alarms.explain(most + 1, photos)


@pytest.mark.parametrize("correlation", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("photos", [1, 7, 300, 30_000])  # the last is more than a power can hold
def test_it_is_what_another_library_says(photos: int, correlation: float) -> None:
    alarms = FalseAlarms(0.02, correlation)
    strength = 1 / correlation - 1 if correlation else 0.0
    for flagged in {1, photos // 50 + 1, photos // 20 + 1, photos}:
        chance = (
            betabinom.sf(flagged - 1, photos, 0.02 * strength, 0.98 * strength)
            if correlation
            else binom.sf(flagged - 1, photos, 0.02)
        )
        assert alarms.explain(flagged, photos) == (chance >= SURPRISING)


def test_photos_of_a_camera_that_is_flagged_more_often_are_usual_where_groups_differ() -> None:
    assert not FalseAlarms(0.02).explain(30, 300)
    assert FalseAlarms(0.02, 0.1).explain(30, 300)
    assert not FalseAlarms(0.02, 0.1).explain(150, 300)  # half of them are no camera's chance
