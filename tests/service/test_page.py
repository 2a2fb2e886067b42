"""The page: what is on the screen is what is saved, and a photo is counted once in a session."""

from __future__ import annotations

import json
import logging
import pickle
import re
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from PIL import Image
from small_model import write_light_meter
from sqlalchemy import select
from starlette.testclient import TestClient

from service.inference_service import InferenceService
from service.page import make_page
from service.page_actions import save_feedback, write_downloads
from service.page_values import DisplayOptions
from service.page_visit import Visit
from sparrow.inference.counter import CountedPhoto
from sparrow.inference.model_folder import ENGINE, read_info, write_info
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import feedback_table, photos_table
from sparrow.regular_file import sha256_of

pytestmark = pytest.mark.slow  # all of the file together

YES, SAVE = "Yes, this is right", "Save the true count"
SLIDER, NUMBER, CHOSEN = "Show boxes from this score up", "No, there are", "Photo shown"
SCORES, COLOR = "Write the scores", "Colour of the boxes"
DOWNLOADS = "Prepare downloads: CSV, COCO, annotated photos"
FOUND = (0.95, 0.8, 0.7, 0.6)  # scores in a white photo; the operating threshold is 0.5


@pytest.fixture(scope="module")
def inference(
    client: TestClient, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InferenceService]:
    """Counts with an engine of known answers: ``FOUND``, times the photo's brightness (0..1)."""
    from service.app import settings

    home = tmp_path_factory.mktemp("page")
    shutil.copytree(model_folder.resolve(), home / "model")
    write_light_meter(home / "model" / ENGINE, FOUND)
    info = read_info(home / "model", verify=False)
    write_info(home / "model", info.model_copy(update={"threshold": 0.5}))
    log = f"sqlite:///{home}/log.db?timeout=0.5"
    inference = InferenceService(
        replace(settings, model=home / "model", follows_link=False, prediction_log=log)
    )
    yield inference
    inference.close()


@pytest.fixture(scope="module")
def page(inference: InferenceService) -> Iterator[TestClient]:
    with TestClient(
        gr.mount_gradio_app(FastAPI(), make_page(inference.settings, lambda: inference), "")
    ) as page:
        yield page


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """In the first are 4 birds, then 3 (0.55 the lowest), 2 and 1."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"grey-{grey}.png" for grey in (255, 204, 180, 140)]
    for path in paths:
        grey = int(path.stem.split("-")[1])
        Image.new("RGB", (320, 240), (grey, grey, grey)).save(path)
    return paths


@pytest.fixture
def visitor(new_visitor: Any, page: TestClient) -> Any:
    return new_visitor(page)


@pytest.fixture
def log(inference: InferenceService) -> PredictionLog:
    return inference.log


def said(log: PredictionLog) -> list[tuple[int, bool]]:
    """All feedback, oldest first."""
    rows = log.rows(select(feedback_table).order_by(feedback_table.c.time))
    return [(row["true_count"], row["wrong"]) for row in rows]


def rows_of(inference: InferenceService) -> int:
    """Photos in the log, once what is queued is written."""
    assert inference._writer.flush()
    return len(inference.log.rows(select(photos_table.c.id)))


@pytest.mark.parametrize(
    ("score", "shown"), [(None, 4), (0.9, 1), (0.65, 3), (0.7, 2), (0.96, 0), (1, 0), (0.5, 4)]
)  # the score 0.7 is 0.699999988 in the engine
def test_what_is_on_the_screen_is_what_is_saved(
    visitor: Any, log: PredictionLog, photos: list[Path], score: float | None, shown: int
) -> None:
    visitor.add(photos[0])
    if score is not None:
        visitor[SLIDER] = score
        visitor.fire(SLIDER, "release")
    assert visitor[NUMBER] == shown
    assert visitor[YES] == f"Yes, {shown} is right"
    assert (f"{shown} house sparrow" if shown else "No house sparrow") in visitor.answer
    before = len(said(log))
    visitor.fire(YES, "click")
    assert f"Saved: {shown} in {photos[0].name}" in visitor.thanks
    # At its own threshold the model was wrong if the person had to move the slider.
    assert said(log)[before:] == [(shown, shown != 4)]


def test_number_and_button_follow_the_photo_and_the_slider(
    visitor: Any, log: PredictionLog, photos: list[Path]
) -> None:
    keys = [sha256_of(path) for path in photos]
    visitor.add(*photos)
    assert visitor[CHOSEN] == keys[0]
    visitor[SLIDER] = 0.61
    visitor.fire(SLIDER, "input")
    for key, shown in zip(keys, (3, 2, 1, 0), strict=True):
        visitor[CHOSEN] = key
        visitor.fire(CHOSEN, "input")
        assert visitor[NUMBER] == shown
        assert visitor[YES] == f"Yes, {shown} is right"
    before = len(said(log))
    visitor.fire(YES, "click")
    assert said(log)[before:] == [(0, True)]
    # A number somebody typed stays while only the colours change, and is what is saved.
    visitor[NUMBER] = 77
    visitor[SCORES] = False
    visitor.fire(SCORES, "input")
    assert visitor[NUMBER] == 77
    visitor.fire(SAVE, "click")
    assert said(log)[before + 1 :] == [(77, True)]
    # Another list keeps slider and photo where they are.
    visitor.list_files(visitor["Photos"][1:])
    assert (visitor[CHOSEN], visitor[SLIDER]) == (keys[3], 0.61)
    # A photo that is gone from the list: never the one that took over its place.
    visitor[CHOSEN] = keys[0]
    visitor.fire(YES, "click")
    assert "There is no photo here" in visitor.thanks
    assert len(said(log)) == before + 2


def test_a_photo_is_counted_once_in_a_session(
    visitor: Any,
    new_visitor: Any,
    page: TestClient,
    inference: InferenceService,
    photos: list[Path],
    tmp_path: Path,
) -> None:
    start = rows_of(inference)
    visitor.add(*photos[:2])
    assert rows_of(inference) == start + 2
    whole = visitor["Photos"]
    visitor.list_files(whole[1:])  # one is taken off the list
    assert "in 2 photos" not in visitor.answer
    visitor.list_files(whole)  # and put back
    assert "in 2 photos" in visitor.answer
    assert rows_of(inference) == start + 2
    visitor.add(photos[2])
    assert rows_of(inference) == start + 3
    again = tmp_path / "another name.jpg"
    again.write_bytes(photos[0].read_bytes())
    visitor.add(again)  # the same bytes are the same photo
    assert "in 3 photos" in visitor.answer
    assert f"the same photo as {again.name}: counted once" in visitor.table
    visitor.list_files([])
    assert visitor.answer == ""
    visitor.list_files(whole[::-1])
    assert rows_of(inference) == start + 3
    other = new_visitor(page)  # another person's, or a new window
    other.add(photos[0])
    assert rows_of(inference) == start + 4


def test_what_cannot_be_read_is_logged_once_too(
    visitor: Any, inference: InferenceService, photos: list[Path], tmp_path: Path
) -> None:
    start, text = rows_of(inference), tmp_path / "text.jpg"
    text.write_text("not a photo")
    visitor.add(text)
    assert "No photo could be counted" in visitor.answer
    visitor.fire(YES, "click")
    assert "could not be counted" in visitor.thanks
    visitor.add(photos[0])
    assert "1 of 2 photos could not be counted" in visitor.answer
    assert rows_of(inference) == start + 2


def test_too_much_at_once_is_said_and_not_counted(
    visitor: Any, inference: InferenceService, photos: list[Path], tmp_path: Path
) -> None:
    start = rows_of(inference)
    large = []
    for n in range(3):
        large.append(tmp_path / f"large-{n}.jpg")
        large[-1].write_bytes(photos[0].read_bytes() + bytes([n]) * 900_000)
    refused = visitor.add(*large)  # each would do alone
    assert "at most 2 MB are accepted at once" in refused["output"]["error"]
    visitor["Photos"] = []
    refused = visitor.add(*photos, large[0])
    assert "5 photos at once; at most 4" in refused["output"]["error"]
    assert rows_of(inference) == start


HOSTILE: list[tuple[str, Any]] = [
    (widget, value)
    for widget, values in {
        CHOSEN: [99, -1, "x", None, float("nan"), [0], {"path": "/etc/passwd"}, True],
        SLIDER: ["abc", 1e308, [0.5], None, float("nan"), -0.1, 10**400, "0.5", True],
        COLOR: ["red; x", "x" * 1_000_000, None, 5, ["#fff"], "rgb(1,2)", "\0", "url(//a)"],
        SCORES: ["yes", None, 1, {"a": 1}],
        NUMBER: [float("nan"), float("inf"), 1e9, "5", 2.5, -1, None, True, 10**400, [3]],
    }.items()
    for value in values
]


@pytest.fixture(scope="module")
def busy(new_visitor: Any, page: TestClient, photos: list[Path]) -> Any:
    visitor = new_visitor(page)
    visitor.add(*photos[:2])
    return visitor


@pytest.mark.parametrize(("widget", "value"), HOSTILE, ids=lambda value: str(value)[:20])
def test_hostile_values_give_a_sentence_and_store_nothing(
    busy: Any,
    log: PredictionLog,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    widget: str,
    value: Any,
) -> None:
    before, kept = len(said(log)), busy[widget]
    busy[widget] = value
    try:
        for name, event in ((SLIDER, "release"), (SCORES, "input"), (CHOSEN, "input")):
            last = busy.fire(name, event)
            if widget != NUMBER:
                assert sentence(last["output"]["error"])
        last = busy.fire(DOWNLOADS, "click")
        assert last["success"] or sentence(last["output"]["error"])
        assert last["success"] == (widget in (CHOSEN, NUMBER))
        busy[widget] = value  # an event before may have put the number right
        busy.fire(SAVE if widget == NUMBER else YES, "click")
        if widget in (CHOSEN, SLIDER, NUMBER):
            assert sentence(busy.thanks)
            assert "Thank you" not in busy.thanks
            assert len(said(log)) == before
    finally:
        busy[widget] = kept
    output = capfd.readouterr()
    assert "Traceback" not in output.out + output.err
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def sentence(text: str) -> bool:
    """Whether it is for people: short, whole, no path and no class of Python's."""
    return bool(re.fullmatch(r"[A-Z][^\n]{10,200}\.", text)) and "Error" not in text


def test_gone_files_are_said(visitor: Any, photos: list[Path], tmp_path: Path) -> None:
    own = tmp_path / "own.png"  # equal content would be one file for all visitors
    own.write_bytes(photos[0].read_bytes() + b"\0")
    visitor.add(own)
    Path(visitor["Photos"][0]["path"]).unlink()  # after an hour
    for name, event in (
        (COLOR, "input"),
        (DOWNLOADS, "click"),
    ):
        assert (
            "is no longer here; please add it again" in visitor.fire(name, event)["output"]["error"]
        )
    visitor.fire(YES, "click")
    assert "Thank you" in visitor.thanks  # its count is known
    never = [{**visitor["Photos"][0], "path": visitor["Photos"][0]["path"] + "x.jpg"}]
    assert "is no longer here" in visitor.list_files(never)["output"]["error"]


def test_a_session_holds_no_pixels(inference: InferenceService, photos: list[Path]) -> None:
    visit = Visit()
    visit.show_files(inference, photos, lambda _done, _total: None)
    kept = [visit.shown, visit.keys, [photo.result() for photo in visit.counted.values()]]
    assert len(pickle.dumps(kept)) < 320 * 240  # one of four photos in one colour


def test_two_events_of_a_session_at_once_count_a_photo_once(
    inference: InferenceService, photos: list[Path]
) -> None:
    start, visit = rows_of(inference), Visit()
    with ThreadPoolExecutor(8) as events:
        for _ in range(8):
            events.submit(visit.show_files, inference, photos, lambda _done, _total: None)
    assert rows_of(inference) == start + 4
    assert [photo.count_above(0) for photo in visit.shown] == [4, 3, 2, 1]


def test_what_takes_too_long_is_said_and_not_counted_again(
    inference: InferenceService, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    Image.new("L", (6000, 5000), 255).save(large)  # a fraction of a second
    limits = inference.settings.limits.model_copy(update={"timeout_s": 1e-6})
    log = f"sqlite:///{tmp_path}/log.db"
    own = InferenceService(replace(inference.settings, limits=limits, prediction_log=log))
    visit = Visit()
    with pytest.raises(ValueError, match="counting took longer than 1e-06 s; it goes on"):
        visit.show_files(own, [large], lambda _done, _total: None)
    assert visit.shown == []
    wait(visit.counted.values())
    visit.show_files(own, [large], lambda _done, _total: None)
    assert visit.shown[0].count_above(0) == 4
    assert rows_of(own) == 1
    own.close()


def without_feedback_table(file: str) -> sqlite3.Connection:
    base = sqlite3.connect(file)
    base.execute("DROP TABLE feedback")
    base.commit()
    return base


def locked(file: str) -> sqlite3.Connection:
    base = sqlite3.connect(file, isolation_level=None)
    base.execute("BEGIN EXCLUSIVE")
    return base


def forgotten(file: str) -> sqlite3.Connection:
    base = sqlite3.connect(file)
    base.executescript("DELETE FROM boxes; DELETE FROM predictions;")
    base.commit()
    return base


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (without_feedback_table, "Nothing was saved: the log cannot be reached just now."),
        (locked, "Nothing was saved: the log cannot be reached just now."),
        (forgotten, "Nothing was saved: the count of grey-255.png is no longer in the"),
    ],
)
def test_feedback_that_was_not_stored_is_no_success(
    inference: InferenceService, photos: list[Path], tmp_path: Path, fault: Any, sentence: str
) -> None:
    file = str(tmp_path / "log.db")
    own = InferenceService(
        replace(inference.settings, prediction_log=f"sqlite:///{file}?timeout=0.2")
    )
    visit = Visit()
    visit.show_files(own, photos[:1], lambda _done, _total: None)
    assert save_feedback(own, visit.shown[0], 5) == f"Thank you. Saved: 5 in {photos[0].name}."
    held = fault(file)
    told = save_feedback(own, visit.shown[0], 6)
    held.close()
    own.close()
    assert told.startswith(sentence)


def test_nothing_of_a_session_is_left_when_the_service_ends(
    inference: InferenceService,
    new_visitor: Any,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache, temporary = tmp_path / "gradio", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(cache))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    page = make_page(inference.settings, lambda: inference)
    ours = {path.name for path in files_in(cache)}  # the examples
    with TestClient(gr.mount_gradio_app(FastAPI(), page, path="")) as own:
        visitor = new_visitor(own)
        visitor.add(*photos[:2])
        for score in (0.0, 0.6, 0.6):
            visitor[SLIDER] = score
            visitor.fire(SLIDER, "release")
            assert visitor.fire(DOWNLOADS, "click")["success"]
        names = [Path(file["path"]).name for file in visitor["Downloads"]]
        assert names == ["counts.csv", "counts.coco.json", "annotated.zip"]
        assert not files_in(temporary)  # not even while the page is open
        assert len(files_in(cache)) >= 2 + 2 * 3
    # What Gradio knows it removes: after an hour, and here at its end.
    assert {path.name for path in files_in(cache)} == ours
    assert not files_in(temporary)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


def test_a_photo_that_could_not_be_logged_is_tried_again(
    inference: InferenceService, photos: list[Path], tmp_path: Path
) -> None:
    """The first inference is closed: it takes no photo. The page goes on with the next one."""
    closed = InferenceService(
        replace(inference.settings, prediction_log=f"sqlite:///{tmp_path}/log.db")
    )
    closed.close()
    start, visit = rows_of(inference), Visit()
    with pytest.raises(RuntimeError):
        visit.show_files(closed, photos, lambda _done, _total: None)
    visit.show_files(inference, photos, lambda _done, _total: None)
    assert rows_of(inference) == start + 4


def test_photos_of_two_champions_go_into_one_download(
    inference: InferenceService, photos: list[Path], tmp_path: Path
) -> None:
    visit = Visit()
    visit.show_files(inference, photos[:2], lambda _done, _total: None)
    first, second = visit.shown
    boxes = tuple(replace(box, label="wren") for box in second.counted.record.boxes)
    record = replace(second.counted.record, boxes=boxes)
    second = replace(second, counted=CountedPhoto(record), class_names=("wren", "robin"))
    files = write_downloads(
        [first, second], DisplayOptions(), lambda path: shutil.copy(path, tmp_path / path.name)
    )
    made = json.loads(Path(files[1]).read_text())
    names = {kind["id"]: kind["name"] for kind in made["categories"]}
    assert list(names.values()) == ["house_sparrow", "wren", "robin"]
    labels = [names[box["category_id"]] for box in made["annotations"]]
    assert labels == ["house_sparrow"] * 4 + ["wren"] * 3
