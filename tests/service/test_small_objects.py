"""A photo much larger than the model sees it: page and API say which objects may be missed."""

from __future__ import annotations

from dataclasses import replace

from service import page_actions as actions
from service.answers import photo_answer
from tests.service.test_minimum_counts import counted, page_photo


def test_a_photo_of_the_models_own_size_is_not_remarked_upon() -> None:
    assert photo_answer(counted(4)).smallest_object_px is None
    assert "may be missed" not in actions.headline([page_photo(4)], 0.0)


def test_page_and_api_say_which_size_may_be_missed() -> None:
    large = replace(counted(4), smallest_px=200)
    assert photo_answer(large).smallest_object_px == 200
    shown = replace(page_photo(4), counted=large)
    assert "Objects below about 200 px may be missed." in actions.headline([shown], 0.0)
    assert "objects below about 200 px may be missed" in actions.table([shown, shown], 0.0)
    none = replace(large, record=replace(large.record, count=0, boxes=()))
    words = actions.headline([replace(shown, counted=none)], 0.0)
    assert "in better light. Objects below about 200 px may be missed." in words
