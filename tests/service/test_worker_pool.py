"""Two processes that count, behind one page: both work, and the death of one costs no photo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from service.inference_service import InferenceService
from service.page_downloads import NAMES, write_download
from service.page_protocol import Download
from service.page_room import PageRoom
from service.page_screen import headline
from service.page_source import PhotoFile
from service.page_visit import Visit
from service.settings import Settings
from sparrow.config import ServiceConfig
from sparrow.inference.counter import PhotoCounter


@pytest.fixture
def inference(model_folder: Path, tmp_path: Path) -> Iterator[InferenceService]:
    limits = ServiceConfig(workers=2)
    inference = InferenceService(
        Settings(model_folder, False, limits, f"sqlite:///{tmp_path}/log.db", None)
    )
    yield inference
    inference.close()


def workers() -> list[psutil.Process]:
    mine = psutil.Process().children()
    return [child for child in mine if "spawn_main" in " ".join(child.cmdline())]


def test_two_processes_do_what_the_page_asks(
    inference: InferenceService, model_folder: Path, drawn_dataset: Path, tmp_path: Path
) -> None:
    paths = sorted((drawn_dataset / "images").iterdir())[:8]
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    counter = PhotoCounter(model_folder)
    expected = [counter.count(p.read_bytes(), p.name, "page")[0].record.count for p in paths]
    before = {child.pid: child.cpu_times().user for child in workers()}
    assert len(before) == 2
    visit, room = Visit(), PageRoom(tmp_path / "page", 100_000_000)
    photos = visit.add(inference, [PhotoFile(path, path.name) for path in (*paths, text)], room)
    assert [photo.counted.record.count for photo in photos] == [*expected, None]
    assert all(child.cpu_times().user > before[child.pid] for child in workers())

    assert f"{sum(expected)} house sparrow" in headline(photos, None)[0]
    assert photos[0].views is not None
    for what in NAMES:
        options = Download.model_validate({"what": what})
        assert write_download(photos, options, room).stat().st_size > 0
    inference.add_feedback(photos[0].counted.record.id, 2, wrong=True)
    assert inference._writer.flush()  # the log is written a fraction of a second after the answer
    assert inference.log.summary()["photos"] == 9

    workers()[0].kill()
    again = Visit()  # another session: the same photos are counted anew
    added = again.add(inference, [PhotoFile(path, path.name) for path in paths[:4]], room)
    assert [photo.counted.record.count for photo in added] == expected[:4]
    assert len(workers()) == 2
