"""Class names in sentences."""

from __future__ import annotations

import pytest

from sparrow.class_nouns import listed, noun, objects, plural

PLURALS = {"goose": "geese", "white_sheep": "white sheep"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("house_sparrow", "house sparrows"),
        ("finch", "finches"),
        ("fox", "foxes"),
        ("bus", "buses"),
        ("canary", "canaries"),
        ("jay", "jays"),
        ("goose", "geese"),  # from here on by the config
        ("white_sheep", "white sheep"),
    ],
)
def test_plural(name: str, expected: str) -> None:
    assert plural(name, PLURALS) == expected


def test_one_and_several() -> None:
    assert [noun(count, "goose", PLURALS) for count in (0, 1, 2)] == ["geese", "goose", "geese"]
    assert noun(1, "white_sheep", PLURALS) == "white sheep"
    assert noun(2, "goose") == "gooses"  # by rule: the config has not said otherwise


def test_several_classes_are_objects() -> None:
    assert objects(["house_sparrow"]) == "house sparrows"
    assert objects(["goose"], PLURALS) == "geese"
    assert objects(["goose"], PLURALS, 1) == "goose"
    assert objects(["robin", "goose"], PLURALS) == "objects"
    assert objects(["robin", "goose"], PLURALS, 1) == "object"
    assert listed(["robin", "goose"], PLURALS) == "robins, geese"
