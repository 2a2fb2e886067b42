"""Class names in sentences."""

from __future__ import annotations

import pytest

from sparrow.reports.class_words import listed, objects, plural


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("house_sparrow", "house sparrows"),
        ("finch", "finches"),
        ("fox", "foxes"),
        ("bus", "buses"),
        ("canary", "canaries"),
        ("jay", "jays"),
    ],
)
def test_plural(name: str, expected: str) -> None:
    assert plural(name) == expected


def test_several_classes_are_objects() -> None:
    assert objects(["house_sparrow"]) == "house sparrows"
    assert objects(["robin", "house_sparrow"]) == "objects"
    assert listed(["robin", "house_sparrow"]) == "robins, house sparrows"
