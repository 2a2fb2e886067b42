"""What counts as which of a person's classes."""

from __future__ import annotations

import pytest

from sparrow.coco_classes import ANIMALS, COCO_CLASSES, coco_words, read_class_map


def test_coco_has_eighty_classes_in_its_order():
    assert len(set(COCO_CLASSES)) == 80
    assert COCO_CLASSES[14] == "bird"
    assert (ANIMALS[0], ANIMALS[-1], len(ANIMALS)) == ("bird", "giraffe", 10)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        (["bird=bird"], {"bird": ("bird",)}),
        (["tit = bird , cat"], {"tit": ("bird", "cat")}),
        (["a=bird", "b=person", "a=bird,cat"], {"a": ("bird", "cat"), "b": ("person",)}),
        (["x=any-animal"], {"x": ANIMALS}),
        (["x=person,any-animal,bird"], {"x": ("person", *ANIMALS)}),
        (["plant=potted plant"], {"plant": ("potted plant",)}),
    ],
)
def test_pairs_become_a_map(pairs, expected):
    assert read_class_map(pairs) == expected


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["bird"], "--map bird: expected NAME=COCO, such as bird=bird"),
        (["=bird"], "expected NAME=COCO"),
        (["bird="], "expected NAME=COCO"),
        (["bird=brd"], "no class 'brd'; did you mean bird"),
        (["a=bird", "b=any-animal"], "bird would count as a and as b, and each such object twice"),
    ],
)
def test_what_would_count_wrongly_is_refused(pairs, message):
    with pytest.raises(ValueError, match=message):
        read_class_map(pairs)


def test_a_whole_group_is_called_by_its_name():
    assert coco_words(("cat", "dog")) == "cat, dog"
    assert coco_words(ANIMALS).startswith("any-animal (bird, cat, ")
