from __future__ import annotations

from pathlib import Path

import pytest

from sparrow.data.formats.annotations import PhotoRow, make_dataset
from sparrow.review.miss_rate import MissRate, miss_rate, upper_bound


@pytest.mark.parametrize(
    ("with_objects", "photos", "expected"),
    [
        (0, 0, 1.0),  # nothing looked at, nothing known
        (5, 5, 1.0),
        (0, 59, 1 - 0.05 ** (1 / 59)),  # (1 - p)^59 = 0.05: p = 0.0495
        (0, 1, 0.95),
        # Of 2 photos 1 with birds: P(at most 1) = 1 - p² = 0.05, p = 0.9747
        (1, 2, 0.95**0.5),
    ],
)
def test_the_bound_is_exact(with_objects: int, photos: int, expected: float) -> None:
    assert upper_bound(with_objects, photos) == pytest.approx(expected, abs=1e-9)


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="found 3 of 2"):
        upper_bound(3, 2)


def test_only_the_random_photos_that_came_back_count() -> None:
    bird = ("house_sparrow", 1.0, 1.0, 9.0, 9.0)
    photos = [
        PhotoRow("images/a.jpg", 10, 10, [bird, bird]),  # a tool put its folder before the name
        PhotoRow("b.jpg", 10, 10, []),
        PhotoRow("picked-for-its-score.jpg", 10, 10, [bird]),
    ]
    found = miss_rate({"a.jpg", "b.jpg", "c.jpg"}, make_dataset(Path(), photos))
    assert found == MissRate(3, 2, 1, upper_bound(1, 2))
    assert "1 of 2" in found.words()
    assert "(1 missing)" in found.words()


def test_a_labelling_tools_prefix_hides_no_photo() -> None:
    bird = ("house_sparrow", 1.0, 1.0, 9.0, 9.0)
    photos = [
        PhotoRow("1f0c-a.jpg", 10, 10, [bird]),
        PhotoRow("images/2ab4-b.jpg", 10, 10, []),
        PhotoRow("ab.jpg", 10, 10, [bird]),  # its name only ends alike
    ]
    found = miss_rate(["a.jpg", "b.jpg"], make_dataset(Path(), photos))
    assert found == MissRate(2, 2, 1, upper_bound(1, 2))


def test_nothing_came_back() -> None:
    found = miss_rate({"a.jpg"}, make_dataset(Path(), [PhotoRow("z.jpg", 10, 10, [])]))
    assert found.upper == 1.0
    assert "nothing is known" in found.words()
