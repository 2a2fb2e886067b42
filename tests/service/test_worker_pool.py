"""Two processes that count, behind one page: both work, and the death of one costs no photo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from service import page_actions as actions
from service.inference_service import InferenceService
from service.page_values import DisplayOptions
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
    steps: list[int] = []
    visit = Visit()
    visit.show_files(inference, [*paths, text], lambda done, _total: steps.append(done))
    photos = visit.shown
    assert [photo.counted.record.count for photo in photos] == [*expected, None]
    assert steps == list(range(1, 10))
    assert all(child.cpu_times().user > before[child.pid] for child in workers())

    assert f"{sum(expected)} house sparrow" in actions.headline(photos, 0.0)
    options = DisplayOptions(0.0, True, "#ff0000")
    original, drawn = actions.pictures(photos[0], options)
    assert original is not None
    assert drawn is not None
    assert len(actions.write_downloads(photos, options, str)) == 3
    inference.add_feedback(photos[0].counted.record.id, 2, wrong=True)
    assert inference._writer.flush()  # the log is written a fraction of a second after the answer
    assert inference.log.summary()["photos"] == 9

    workers()[0].kill()
    again = Visit()  # another session: the same photos are counted anew
    again.show_files(inference, paths[:4], lambda _done, _total: None)
    assert [photo.counted.record.count for photo in again.shown] == expected[:4]
    assert len(workers()) == 2
