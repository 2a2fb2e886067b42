"""A count that reaches the most that the model finds: on the page, in the API, in feedback."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from small_model import write_small_model
from starlette.testclient import TestClient

from service import page_actions as actions
from service.answers import describe_model, photo_answer
from service.page_handlers import _confirmed, _offer_feedback
from service.page_visit import PagePhoto
from sparrow.config import Config
from sparrow.inference.counter import CountedPhoto, PhotoCounter
from sparrow.inference.model_folder import read_info
from sparrow.predictions.record import LoggedBox, PredictionRecord, new_id

MOST = 3
SCORES = (0.9, 0.8, 0.6)


def counted(high: int | None, scores: tuple[float, ...] = SCORES) -> CountedPhoto:
    boxes = tuple(LoggedBox("house_sparrow", score, 0, 0, 9, 9) for score in scores)
    return CountedPhoto(
        PredictionRecord(
            new_id(), datetime.now(UTC), "page", "birds", "1", "a.jpg", count=len(scores),
            count_low=2, count_high=high, boxes=boxes,
        )
    )  # fmt: skip


def page_photo(high: int | None) -> PagePhoto:
    return PagePhoto("0", Path("a.jpg"), counted(high), ("house_sparrow",), 0.5)


def test_the_page_says_or_more() -> None:
    full, less = page_photo(None), page_photo(4)
    assert "3 or more house sparrows, likely 2 or more" in actions.headline([full], 0.5)
    assert "3 house sparrows, likely 2 to 4" in actions.headline([less], 0.5)
    assert "at least 6 house sparrows in 2 photos" in actions.headline([full, less], 0.5)
    assert "3 or more" in actions.table([full], 0.5)
    # With the slider above the lowest score fewer are counted than can be found: a plain number.
    assert "2 house sparrows" in actions.headline([full], 0.7)
    assert full.interval(0.7) == (None, None)
    # Where all of them are still counted, there may still be more.
    assert full.interval(0.55) == (3, None)


def test_nobody_is_asked_to_confirm_a_number_that_was_not_said() -> None:
    button, number = _offer_feedback(page_photo(None), 0.5)
    assert (button.value, button.interactive, number) == ("3 or more: how many?", False, 3)
    with pytest.raises(ValueError, match="3 is the most that is found"):
        _confirmed(page_photo(None), 0.5)
    assert _confirmed(page_photo(None), 0.7) == 2
    assert _confirmed(page_photo(4), 0.5) == 3


@pytest.mark.parametrize(
    ("high", "true", "wrong"), [(None, 9, False), (None, 2, True), (4, 9, True), (4, 3, False)]
)
def test_more_than_a_minimum_is_not_wrong(high: int | None, true: int, wrong: bool) -> None:
    saved: list[Any] = []

    class Inference:
        def add_feedback(self, _id: str, count: int, wrong: bool) -> None:
            saved.append((count, wrong))

    inference: Any = Inference()
    actions.save_feedback(inference, page_photo(high), true)
    assert saved == [(true, wrong)]


def test_the_answers_of_the_api(tmp_path: Path) -> None:
    assert photo_answer(counted(None)).count_is_minimum
    assert not photo_answer(counted(4)).count_is_minimum
    config = Config().of_the_training()
    config["model"]["box_detections_per_image"] = MOST
    model = PhotoCounter(write_small_model(tmp_path / "model", config=config))
    assert describe_model(model).max_objects == MOST
    assert "at most 3 in one photo" in actions.most_in_words(model.info)
    assert "“3 or more”" in actions.model_text(_Serving(model))
    old = read_info(write_small_model(tmp_path / "old", config={}))
    assert "not recorded" in actions.most_in_words(old)


class _Serving:
    """As much of ``InferenceService`` as the words need."""

    def __init__(self, counter: PhotoCounter) -> None:
        self.counter = counter


def test_the_service_answers_with_them(client: TestClient, photos: list[Path]) -> None:
    assert client.get("/model").json()["max_objects"] == 120  # the default of the config
    answer = client.post("/detect", files=[("photos", photos[0].read_bytes())]).json()
    assert answer["total_is_minimum"] is False
    assert answer["photos"][0]["count_is_minimum"] is False
    assert "total_is_minimum" in client.get("/docs.json").text
