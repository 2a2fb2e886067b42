from __future__ import annotations

import pytest

from sparrow.data.formats.shapes import around, ellipse_box, turned_box


def test_a_rectangle_that_is_not_turned_stays_as_it_is() -> None:
    assert turned_box((1, 2, 3, 5), 0) == turned_box((1, 2, 3, 5), 360) == (1, 2, 3, 5)


def test_a_quarter_turn_about_the_centre_swaps_the_sides_exactly() -> None:
    # Centre (20, 10); 20 wide and 8 high become 8 wide and 20 high.
    assert turned_box((10, 6, 30, 14), 90) == (16, 0, 24, 20)


def test_a_turn_about_a_corner_leaves_that_corner_where_it_is() -> None:
    # Clockwise, y downwards: 300 to the right become 300 down, 100 down become 100 to the left.
    assert turned_box((200, 100, 500, 200), 90, pivot=(200, 100)) == (100, 100, 200, 400)


def test_a_square_on_its_tip_is_wider_by_the_root_of_two() -> None:
    assert turned_box((-1, -1, 1, 1), 45) == pytest.approx((-(2**0.5), -(2**0.5), 2**0.5, 2**0.5))


def test_an_ellipse_has_its_radii_around_its_centre_turned_or_not() -> None:
    assert ellipse_box((50, 40), (20, 10)) == (30, 30, 70, 50)
    assert ellipse_box((50, 40), (20, 10), 90) == (40, 20, 60, 60)
    # A circle is the same, however it is turned.
    assert ellipse_box((5, 5), (3, 3), 33) == pytest.approx((2, 2, 8, 8))


def test_around_points() -> None:
    assert around([(3, 1)]) == (3, 1, 3, 1)
    assert around([(3, 1), (0, 5), (2, 2)]) == (0, 1, 3, 5)
