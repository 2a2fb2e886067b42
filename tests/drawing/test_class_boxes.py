"""Boxes of several classes: told apart by colour and name, and no name hides another."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PIL import ImageColor

from sparrow.drawing.boxes import BoxStyle, Pen, draw_boxes
from sparrow.drawing.class_boxes import CLASS_COLORS, class_color, draw_class_boxes
from sparrow.predictions.record import LoggedBox

GREY = np.full((240, 400, 3), 128, np.uint8)
CLASSES = ("house_sparrow", "wren")
SPARROW = LoggedBox("house_sparrow", 0.9, 60, 60, 140, 140)
WREN = LoggedBox("wren", 0.6, 220, 60, 300, 140)


def has(picture: np.ndarray, color: str) -> bool:
    return bool((picture == ImageColor.getrgb(color)).all(axis=2).any())


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[float, ...]]]:
    """Names that are written, and where; they are written all the same."""
    seen: list[tuple[str, tuple[float, ...]]] = []
    write = Pen.write

    def note(pen: Pen, place: tuple[float, float, float, float], text: str, color: str) -> None:
        seen.append((text, place))
        write(pen, place, text, color)

    monkeypatch.setattr(Pen, "write", note)
    return seen


def test_no_boxes_change_nothing() -> None:
    assert np.array_equal(draw_class_boxes(GREY, [], CLASSES), GREY)


def test_the_boxes_of_one_class_are_drawn_as_ever() -> None:
    style = BoxStyle("#ff0000")
    drawn = draw_class_boxes(GREY, [SPARROW], CLASSES[:1], style)
    assert np.array_equal(drawn, draw_boxes(GREY, [[60, 60, 140, 140]], [0.9], style))


def test_each_class_has_its_colour_and_name(written: list) -> None:
    drawn = draw_class_boxes(GREY, [WREN, SPARROW], CLASSES)
    assert [text for text, _ in written] == ["house sparrow 90%", "wren 60%"]
    assert tuple(drawn[100, 60]) == ImageColor.getrgb(class_color(0))
    assert tuple(drawn[100, 220]) == ImageColor.getrgb(class_color(1))
    assert (GREY == 128).all()
    alone = draw_class_boxes(GREY, [WREN], CLASSES)  # by its place in the model, not in the photo
    assert has(alone, class_color(1))
    assert not has(alone, class_color(0))


def test_without_scores_the_name_stays(written: list) -> None:
    draw_class_boxes(GREY, [WREN], CLASSES, BoxStyle(show_scores=False))
    assert [text for text, _ in written] == ["wren"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Grünfink", "Grunfink"), ("groß", "gross"), ("blåmes", "blames"), ("麻雀", "class 2")],
)
def test_letters_that_the_font_lacks_are_no_empty_boxes(
    written: list, name: str, expected: str
) -> None:
    box = replace(WREN, label=name)
    draw_class_boxes(GREY, [box], ("wren", name), BoxStyle(show_scores=False))
    assert [text for text, _ in written] == [expected]


@pytest.mark.parametrize("corner", [(0, 0), (330, 0), (0, 170), (330, 170)])
def test_names_stay_inside_the_photo(written: list, corner: tuple[int, int]) -> None:
    x, y = corner
    draw_class_boxes(GREY, [LoggedBox("house_sparrow", 0.9, x, y, x + 70, y + 70)], CLASSES)
    left, top, right, bottom = written[0][1]
    assert 0 <= left < right <= 400
    assert 0 <= top < bottom <= 240


def test_names_of_neighbours_do_not_hide_each_other(written: list) -> None:
    row = [replace(SPARROW, x_min_px=60 + 45 * n, x_max_px=100 + 45 * n) for n in range(4)]
    draw_class_boxes(GREY, row, CLASSES)
    for (_, one), (_, other) in combinations(written, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart


def test_with_more_classes_than_colours_they_begin_again() -> None:
    assert class_color(len(CLASS_COLORS)) == CLASS_COLORS[0]
