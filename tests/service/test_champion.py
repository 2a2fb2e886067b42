"""The model that serves, while another is published: whole, half copied, broken, or replaced."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service import metrics
from service.champion import Champion
from service.uploads import Upload
from service.worker_pool import WorkerPool
from sparrow.config import ServiceConfig
from sparrow.inference.counter import CannotCountError
from sparrow.inference.model_folder import ENGINE, INFO, WEIGHTS, ModelFolderError
from sparrow.inference.trial_photos import trial_photos

Write = Callable[..., Path]


class Site:
    """A published link, the folders beside it, and a clock that only tests move."""

    def __init__(self, root: Path, write: Write) -> None:
        self.link = root / "champion"
        self.write = write
        self.now = 0.0

    def folder(self, number: int) -> Path:
        return self.link.with_name("champion.versions") / "m" / str(number)

    def make(self, number: int, **values: Any) -> Path:
        return self.write(self.folder(number), **values)

    def publish(self, number: int) -> None:
        link = self.link.with_name("new")
        link.symlink_to(self.folder(number))
        os.replace(link, self.link)

    def champion(self) -> Champion:
        return Champion(self.link, follows_link=False, clock=lambda: self.now)


@pytest.fixture
def site(tmp_path: Path, write_small_model: Write) -> Site:
    site = Site(tmp_path, write_small_model)
    site.make(1, threshold=0.1)
    site.publish(1)
    return site


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the service logs; its logger does not hand on where the service has been set up."""
    logger = logging.getLogger("sparrow")
    handed_on, logger.propagate = logger.propagate, True
    caplog.set_level(logging.INFO, "sparrow")
    yield caplog
    logger.propagate = handed_on


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        str(record.exc_info[1]) for record in caplog.records if record.message.startswith("ALARM")
    ]


def refused() -> float:
    return metrics.champion_refused._value.get()


def test_a_new_champion_takes_over_and_who_holds_the_old_one_keeps_it(site: Site) -> None:
    champion = site.champion()
    old = champion.counter
    site.make(2, threshold=0.9)
    site.publish(2)
    champion.update()
    assert (champion.counter.version, champion.counter.info.threshold) == ("2", 0.9)
    assert old.version == "1"
    assert champion.refused is None


@pytest.mark.parametrize("fault", ["label", "score", "box", "lengths", "square-only"])
def test_a_new_model_that_loads_but_cannot_count_stays_out(
    site: Site, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    champion = site.champion()
    site.make(2, fault=fault)
    site.publish(2)
    champion.update()
    assert champion.counter.version == "1"
    photo = trial_photos()[0]
    counted, _ = champion.counter.count(photo.content, photo.name, "api")
    assert counted.record.count == 2  # the old one goes on
    assert champion.refused is not None
    assert "cannot count: on the trial photo" in champion.refused
    assert len(alarms(caplog)) == 1
    assert refused() == 1
    site.publish(1)  # a rollback ends the alarm
    champion.update()
    assert champion.refused is None
    assert refused() == 0


@pytest.mark.parametrize("fault", ["label", "square-only"])
def test_a_service_does_not_start_with_a_model_that_cannot_count(site: Site, fault: str) -> None:
    site.make(2, fault=fault)
    site.publish(2)
    with pytest.raises(CannotCountError, match="trial photo"):
        site.champion()


@pytest.mark.parametrize("last", [ENGINE, INFO, WEIGHTS])
def test_a_folder_that_is_still_being_copied_is_loaded_when_it_is_whole(
    site: Site, caplog: pytest.LogCaptureFixture, tmp_path: Path, last: str
) -> None:
    champion = site.champion()
    source = site.write(tmp_path / "source", threshold=0.9)
    site.folder(2).mkdir()
    for name in {ENGINE, INFO, WEIGHTS} - {last}:
        shutil.copy(source / name, site.folder(2) / name)
    site.publish(2)
    champion.update()
    content = (source / last).read_bytes()
    (site.folder(2) / last).write_bytes(content[: len(content) // 2])
    site.now += 1.5
    champion.update()
    assert champion.counter.version == "1"
    shutil.copy(source / last, site.folder(2) / last)
    site.now += 2.5
    champion.update()
    assert champion.counter.version == "2"
    assert champion.refused is None
    assert len(alarms(caplog)) == 2  # missing, then cut short: one line each


def test_a_lasting_fault_is_tried_with_growing_waits_and_logged_once(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = site.champion()
    site.make(2, fault="score")
    site.publish(2)
    tried: list[float] = []
    load = champion._load
    monkeypatch.setattr(champion, "_load", lambda state: (tried.append(site.now), load(state)))
    for second in range(200):
        site.now = float(second)
        champion.update()
    assert tried == [0, 1, 3, 7, 15, 31, 63, 123, 183]  # waits of 1, 2, 4 … and at most 60 s
    assert len(alarms(caplog)) == 1


@pytest.mark.parametrize(
    "values", [{"threshold": 0.8}, {"class_names": ("wren",)}, {"found": ((1, 0.9, 1, 1, 9, 9),)}]
)
def test_another_model_under_the_same_number_is_noticed(
    site: Site, values: dict[str, Any], tmp_path: Path
) -> None:
    """A registry made anew begins with version 1 again."""
    champion = site.champion()
    before = champion.counter.info_sha256
    fresh = site.write(tmp_path / "fresh", **values)
    shutil.rmtree(site.folder(1))
    champion.update()  # in between there is nothing
    assert champion.counter.info_sha256 == before
    fresh.rename(site.folder(1))
    champion.update()
    assert champion.counter.info_sha256 != before
    assert champion.counter.version == "1"
    assert champion.refused is None


def test_the_same_model_written_anew_is_not_loaded_again(site: Site) -> None:
    champion = site.champion()
    old = champion.counter
    for change in (
        lambda: os.utime(site.folder(1) / INFO),
        lambda: (site.folder(1) / INFO).write_bytes((site.folder(1) / INFO).read_bytes()),
        lambda: shutil.copytree(site.folder(1), site.folder(7)).rename(site.folder(8)),
    ):
        change()
        champion.update()
        assert champion.counter is old


def test_the_watch_survives_whatever_it_meets(site: Site) -> None:
    champion = site.champion()
    site.link.unlink()
    site.link.symlink_to(site.link)  # a link to itself
    champion.update()
    assert champion.counter.version == "1"
    assert champion.refused is not None
    site.link.unlink()
    site.publish(1)
    champion.update()
    assert champion.refused is None


def test_processes_count_with_the_model_that_took_over_under_the_same_number(
    site: Site, tmp_path: Path
) -> None:
    champion = site.champion()
    old = champion.counter
    places = WorkerPool(ServiceConfig(workers=1), old)
    photo = trial_photos()[0]
    upload = Upload(photo.name, photo.content)

    def count(counter: Any) -> Any:
        return places.submit(counter, upload, "api", None).result(60).counted.record

    try:
        assert count(old).count == 2
        fresh = site.write(tmp_path / "fresh", found=((1, 0.9, 1, 1, 9, 9),))
        shutil.rmtree(site.folder(1))
        fresh.rename(site.folder(1))
        champion.update()
        assert count(champion.counter).count == 1
        assert count(old).count == 2  # a request that began before goes on with its model
    finally:
        places.close()


def test_a_process_refuses_to_count_with_another_model_than_it_was_asked_for(
    site: Site, tmp_path: Path
) -> None:
    from sparrow.inference.worker_process import WorkerProcess

    counter = site.champion().counter
    shutil.rmtree(site.folder(1))
    site.make(1, threshold=0.8)
    process = WorkerProcess()
    try:
        with pytest.raises(ModelFolderError, match="holds another model now"):
            process.run(len, counter.folder, info_sha256=counter.info_sha256)
    finally:
        process.close()
