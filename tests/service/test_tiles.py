"""The service in tiles: by its setting, by a visitor's choice, and said wherever a count is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from service.answers import describe_model, photo_answer
from service.inference_service import InferenceService
from service.page_photo import ShownBox
from service.page_protocol import Count
from service.page_room import PageRoom
from service.page_screen import photo_row
from service.page_source import PhotoFile
from service.page_start import start
from service.page_visit import Visit
from service.settings import Settings
from service.uploads import Upload
from sparrow.config import ServiceConfig
from sparrow.inference.tile_choice import NO_TILES, TileChoice
from sparrow.predictions.log_tables import photos_table, tiled_table

Serve = Callable[..., InferenceService]


@pytest.fixture
def serve(write_small_model: Callable[..., Path], tmp_path: Path) -> Iterator[Serve]:
    """A service whose model finds two objects in whatever it is shown, with these limits."""
    sizes = {"min_side_px": 64, "max_side_px": 128}
    anchors = {"config": {"model": {"anchor_sizes_px": [8]}}}
    model = write_small_model(tmp_path / "model", **sizes, **anchors)
    running: list[InferenceService] = []

    def begin(**limits: object) -> InferenceService:
        log = f"sqlite:///{tmp_path}/{len(running)}.db"
        settings = Settings(model, False, ServiceConfig(**limits), log, None)
        running.append(InferenceService(settings))
        return running[-1]

    yield begin
    for inference in running:
        inference.close()


@pytest.fixture
def photo(drawn_dataset: Path) -> Path:
    return min((drawn_dataset / "images").iterdir())


def count(inference: InferenceService, photo: Path) -> dict[str, object]:
    uploads = [Upload(photo.name, photo.read_bytes())]
    answers = asyncio.run(inference.count(uploads, "api", inference.counter))
    return photo_answer(answers[0].counted).model_dump()


def logged(inference: InferenceService) -> list[tuple[int, int]]:
    """Count and tiles of the photos in the log; the writer has put them there."""
    assert inference._writer.flush()
    tiles = {row["prediction_id"]: row["tiles"] for row in inference.log.rows(select(tiled_table))}
    rows = inference.log.rows(select(photos_table).order_by(photos_table.c.time))
    return [(row["count"], tiles.get(row["id"], 0)) for row in rows]


def test_the_setting_holds_for_the_api_and_is_told_by_answer_log_and_model(
    serve: Serve, photo: Path
) -> None:
    whole, tiled, coarse = serve(), serve(tiles="auto"), serve(tiles="auto", max_tiles=6)
    assert (count(whole, photo)["tiles"], count(whole, photo)["count"]) == (0, 2)
    answer = count(tiled, photo)
    assert answer["tiles"] > 6  # type: ignore[operator]
    assert answer["count"] > 2  # type: ignore[operator]
    assert logged(tiled) == [(answer["count"], answer["tiles"])]
    assert 0 < count(coarse, photo)["tiles"] <= 6  # type: ignore[operator]
    assert logged(whole) == [(2, 0), (2, 0)]
    told = [describe_model(own.counter, own.settings.tiles).tiles for own in (whole, tiled)]
    assert told == ["none", "auto"]
    assert describe_model(whole.counter).tiles_with_interval == "none"


def test_the_page_offers_them_unless_none_are_allowed(serve: Serve) -> None:
    assert start(serve())["tiles"] == {"offered": True, "on": False}
    assert start(serve(tiles=24))["tiles"] == {"offered": True, "on": True}
    assert start(serve(tiles="auto", max_tiles=0))["tiles"] == {"offered": False, "on": False}
    assert serve(tiles=24).settings.offered_tiles == TileChoice(24, 300)
    assert serve().settings.offered_tiles == TileChoice("auto", 300)
    assert serve(tiles="auto", max_tiles=0).settings.tiles == NO_TILES
    assert not Count().small


def test_a_photo_is_counted_anew_with_another_choice_and_stays_corrected(
    serve: Serve, photo: Path, tmp_path: Path
) -> None:
    inference, visit, room = serve(), Visit(), PageRoom(tmp_path / "room", 10**8)
    files, tiles = [PhotoFile(photo, photo.name)], inference.settings.offered_tiles
    [whole] = visit.add(inference, files, room)
    box = ShownBox("house_sparrow", (1.0, 1.0, 9.0, 9.0), None)
    visit.correct(whole.sha256, (box,))
    [tiled] = visit.add(inference, files, room, tiles)
    assert len(tiled.model_boxes) > len(whole.model_boxes)
    assert tiled.corrected == (box,)
    assert visit.add(inference, files, room, tiles) == [visit.shown[whole.sha256]]
    assert [own[1] > 0 for own in logged(inference)] == [False, True]
    assert visit.add(inference, files, room)[0].counted.record.tiles == 0
    row = photo_row(tiled, None)
    assert f"counted in {tiled.counted.record.tiles} tiles, no likely range" in row["remark"]
