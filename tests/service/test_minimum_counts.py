"""A count that reaches the most that the model finds: on the page, in the API, in feedback."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from small_model import write_small_model
from starlette.testclient import TestClient

from service.answers import describe_model, photo_answer
from service.page_actions import model_text
from service.page_feedback import save_feedback
from service.page_photo import PagePhoto
from service.page_protocol import Save
from service.page_screen import headline, photo_row
from service.page_source import PhotoFile
from service.page_start import most_in_words
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
    file = PhotoFile(Path("a.jpg"), "a.jpg")
    return PagePhoto("0" * 64, file, counted(high), ("house_sparrow",), 0.5, max_objects=MOST)


def test_the_page_says_or_more() -> None:
    full, less = page_photo(None), replace(page_photo(4), max_objects=9)
    assert headline([full], None)[0] == "3 or more house sparrows, likely 2 or more"
    assert headline([less], None)[0] == "3 house sparrows, likely 2 to 4"
    assert headline([full, less], None)[0] == "at least 6 house sparrows in 2 photos"
    assert photo_row(full, None)["count"] == "3 or more"
    # With the slider above the lowest score fewer are counted than can be found: a plain number.
    assert headline([full], 0.7)[0] == "2 house sparrows"
    assert full.interval(0.7) == (None, None)
    # Where all of them are still counted, there may still be more.
    assert full.interval(0.55) == (3, None)


def test_as_many_faint_boxes_as_there_can_be_are_a_minimum_too() -> None:
    """The model itself counts one; with all that it found the page has three, its most."""
    record = replace(counted(4, SCORES[:1]).record)
    faint = counted(4).record.boxes[1:]
    photo = replace(page_photo(4), counted=CountedPhoto(record, faint=faint), threshold=0.85)
    assert (photo.count(None), photo.is_minimum(None)) == (1, False)
    assert (photo.count(0.5), photo.is_minimum(0.5)) == (3, True)


class Saving:
    """As much of ``InferenceService`` as feedback needs."""

    def __init__(self) -> None:
        self.saved: list[tuple[int, bool]] = []

    def add_feedback(self, _id: str, count: int, wrong: bool) -> None:
        self.saved.append((count, wrong))


def saved(photo: PagePhoto, min_score: float | None, true_count: int | None) -> Any:
    inference: Any = Saving()
    request = Save(photo=photo.sha256, min_score=min_score, true_count=true_count)
    save_feedback(inference, photo, request)
    return inference.saved


def test_nobody_is_asked_to_confirm_a_number_that_was_not_said() -> None:
    assert photo_row(page_photo(None), None)["minimum"]
    with pytest.raises(ValueError, match="3 is the most that is found"):
        saved(page_photo(None), None, None)
    assert saved(page_photo(None), 0.7, None) == [(2, True)]
    assert saved(replace(page_photo(4), max_objects=9), None, None) == [(3, False)]


@pytest.mark.parametrize(
    ("high", "true", "wrong"), [(None, 9, False), (None, 2, True), (4, 9, True), (4, 3, False)]
)
def test_more_than_a_minimum_is_not_wrong(high: int | None, true: int, wrong: bool) -> None:
    assert saved(page_photo(high), None, true) == [(true, wrong)]


def test_the_answers_of_the_api(tmp_path: Path) -> None:
    assert photo_answer(counted(None)).count_is_minimum
    assert not photo_answer(counted(4)).count_is_minimum
    config = Config().of_the_training()
    config["model"]["box_detections_per_image"] = MOST
    model = PhotoCounter(write_small_model(tmp_path / "model", config=config))
    assert describe_model(model).max_objects == MOST
    assert "at most 3 in one photo" in most_in_words(model.info)
    assert "“3 or more”" in model_text(_Serving(model))
    old = read_info(write_small_model(tmp_path / "old", config={}))
    assert "not recorded" in most_in_words(old)


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
