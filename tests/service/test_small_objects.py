"""A photo much larger than the model sees it: page and API say which objects may be missed."""

from __future__ import annotations

from dataclasses import replace

from service.answers import photo_answer
from service.page_screen import headline, photo_row
from tests.service.test_minimum_counts import counted, page_photo


def test_a_photo_of_the_models_own_size_is_not_remarked_upon() -> None:
    assert photo_answer(counted(4)).smallest_object_px is None
    assert headline([page_photo(4)], None)[1] == []


def test_page_and_api_say_which_size_may_be_missed() -> None:
    large = replace(counted(4), smallest_px=200)
    assert photo_answer(large).smallest_object_px == 200
    shown = replace(page_photo(4), counted=large)
    assert headline([shown], None)[1] == ["Objects below about 200 px may be missed."]
    assert photo_row(shown, None)["remark"] == "objects below about 200 px may be missed"
    none = replace(large, record=replace(large.record, count=0, boxes=()))
    assert headline([replace(shown, counted=none)], None)[1] == [
        "Try a closer photo, or one in better light.",
        "Objects below about 200 px may be missed.",
    ]
