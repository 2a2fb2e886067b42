"""Reading the log: bounds, versions, and every way in which it may not be there."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitoring.drift_detector import DriftDetector
from monitoring.observation import (
    MonitoredModel,
    MonitoringError,
    monitored_model,
    observe,
    open_log,
    other_versions,
)
from monitoring.trend import trend
from monitoring.verdict import State
from sparrow.config import MonitoringConfig
from sparrow.inference.model_folder import read_info, write_info
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.window import read_window, window_of

MODEL = MonitoredModel("birds", "3", Path("nowhere"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Any:
    made = PredictionLog(f"sqlite:///{path}?timeout=0.2")
    yield made
    made.close()


def test_an_empty_log_is_an_empty_window(log: PredictionLog) -> None:
    found = observe(log, MODEL, MonitoringConfig())
    assert found.n_photos == len(found.window.photos) == len(found.window.boxes) == 0
    assert other_versions(log, MODEL) == ""


def test_only_photos_of_this_model_version_are_compared(log: PredictionLog, photos: Any) -> None:
    log.append([*photos(5, 1), *photos(7, 2, version="4"), *photos(9, 3, name="cats")])
    assert observe(log, MODEL, MonitoringConfig()).n_photos == 5
    said = other_versions(log, MODEL)
    assert "7 photos of birds version 4" in said
    assert "9 photos of cats version 3" in said


def test_a_window_by_time_ends_now(log: PredictionLog, photos: Any) -> None:
    records = photos(100, 1)
    log.append(records)
    config = MonitoringConfig(window_days=1.0)
    now = records[-1].time + timedelta(days=1) - timedelta(minutes=9)
    assert observe(log, MODEL, config, now).n_photos == 10
    assert observe(log, MODEL, config, now + timedelta(days=1)).n_photos == 0


def test_a_large_window_is_read_in_part_its_newest_photos_without_a_gap(
    log: PredictionLog, photos: Any
) -> None:
    records = photos(2000, 1)
    log.append(records)
    config = MonitoringConfig(windows=(25, 100), max_photos=300)
    found = observe(log, MODEL, config)
    read = found.window.photos
    assert found.n_photos == 2000
    assert 250 < len(read) <= 300
    assert read["time"].is_monotonic_increasing
    assert read["id"].tolist()[-100:] == [one.id for one in records[-100:]]
    assert set(found.window.boxes["prediction_id"]) <= set(read["id"])
    # The sample of the others is spread over all of them: as many from their older half.
    older = (read["time"][:-100] < records[950].time).mean()
    assert 0.35 < older < 0.65


@pytest.mark.parametrize("ahead", [timedelta(days=20), timedelta(hours=1), timedelta(days=9000)])
@pytest.mark.parametrize("window_days", [None, 3.0])
def test_photos_from_the_future_are_set_aside_and_said(
    log: PredictionLog, photos: Any, ahead: timedelta, window_days: float | None
) -> None:
    records = photos(120, 1)
    log.append(records)
    now = records[-1].time + timedelta(minutes=1)
    future = [replace(one, time=now + ahead) for one in photos(60, 2)]
    log.append(future)
    config = MonitoringConfig(window_days=window_days)
    found = observe(log, MODEL, config, now)
    assert (found.n_photos, found.n_future) == (120, 60)
    assert found.window.photos["id"].tolist() == [one.id for one in records]
    assert "60 photos were set aside: their times are in the future" in found.set_aside
    assert f"{now + ahead:%Y-%m-%d %H:%M}" in found.set_aside
    assert sum(step.photos for step in trend(log, MODEL, now)) == 120
    # A part of a window that is too large for memory leaves them out, too.
    part = observe(log, MODEL, MonitoringConfig(windows=(25,), max_photos=50), now)
    assert set(part.window.photos["id"]) <= {one.id for one in records}
    assert part.n_future == 60


@pytest.mark.parametrize("after", [timedelta(hours=1), timedelta(days=2), timedelta(days=400)])
@pytest.mark.parametrize("window_days", [None, 3.0])
def test_another_models_photos_under_the_same_number_are_not_compared(
    log: PredictionLog, photos: Any, after: timedelta, window_days: float | None
) -> None:
    """A registry that was made anew counts its versions from 1 again; the log goes on."""
    before = photos(60, 1)
    trained_at = before[-1].time + after
    mine = [replace(one, time=one.time - before[0].time + trained_at) for one in photos(40, 2)]
    log.append([*before, *mine])
    model = MonitoredModel("birds", "3", Path("nowhere"), trained_at)
    now = mine[-1].time + timedelta(minutes=1)
    found = observe(log, model, MonitoringConfig(window_days=window_days), now)
    assert found.window.photos["id"].tolist() == [one.id for one in mine]
    assert (found.n_photos, found.n_future) == (40, 0)
    assert "60 photos were set aside" in found.set_aside
    assert sum(step.photos for step in trend(log, model, now)) == 40


@pytest.mark.parametrize("trained_at", ["", "yesterday", "2026-13-45T00:00:00"])
def test_a_model_that_does_not_say_when_it_was_trained_is_watched_all_the_same(
    log: PredictionLog, photos: Any, model_folder: Path, tmp_path: Path, trained_at: str
) -> None:
    folder = tmp_path / "3"
    shutil.copytree(model_folder.resolve(), folder)
    write_info(folder, read_info(folder).model_copy(update={"trained_at": trained_at}))
    model = monitored_model(folder, None)
    assert (model.version, model.trained_at) == ("3", None)
    log.append(photos(5, 1, name=model.name))
    assert observe(log, model, MonitoringConfig()).n_photos == 5


def test_clocks_that_differ_by_minutes_are_no_future(log: PredictionLog, photos: Any) -> None:
    records = photos(30, 1)
    log.append(records)
    found = observe(log, MODEL, MonitoringConfig(), records[-1].time - timedelta(minutes=5))
    assert (found.n_photos, found.n_future, found.set_aside) == (30, 0, "")


def test_a_clock_that_was_ahead_does_not_turn_drift_into_ok(
    log: PredictionLog, photos: Any
) -> None:
    reference = window_of(photos(400, 5))
    blind = photos(100, 1, recall=0.2)
    now = blind[-1].time + timedelta(minutes=1)
    usual = [replace(one, time=one.time + timedelta(days=20)) for one in photos(1600, 3)]
    log.append([*blind, *usual])
    config = MonitoringConfig()
    verdict = DriftDetector(reference, config).detect_drift(observe(log, MODEL, config, now).window)
    assert verdict.state is State.DRIFT
    # As it was done before: the newest 1,600 photos, all of them from the future, hide it.
    assert (
        DriftDetector(reference, config).detect_drift(read_window(log, limit=1600)).state
        is State.OK
    )


def test_a_log_of_a_newer_release_is_said(log: PredictionLog, path: Path) -> None:
    log.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE sparrow_version SET version_num = '9'")
        other.commit()
    with (
        pytest.raises(MonitoringError, match=r"newer release of Sparrow.* There is no verdict"),
        open_log(f"sqlite:///{path}"),
    ):
        pass


def test_a_log_on_a_read_only_disk_is_compared(
    log: PredictionLog, path: Path, photos: Any, read_only_folder: Any
) -> None:
    log.append(photos(30, 1))
    log.close()
    folder = read_only_folder(path.parent)
    with open_log(f"sqlite:///{folder}/{path.name}") as one:
        assert observe(one, MODEL, MonitoringConfig()).n_photos == 30


def test_a_log_that_is_written_while_it_is_read_is_whole(
    log: PredictionLog, path: Path, photos: Any
) -> None:
    log.append(photos(200, 1))
    writer = PredictionLog(f"sqlite:///{path}")
    records = photos(600, 2, first=200)

    def write() -> None:
        for start in range(0, 600, 20):
            writer.append(records[start : start + 20])

    thread = threading.Thread(target=write)
    thread.start()
    windows = [read_window(log, limit=150)]
    while thread.is_alive():
        windows.append(read_window(log, limit=150))
    thread.join()
    writer.close()
    assert len(windows) > 2
    for window in windows:
        number = window.boxes.groupby("prediction_id").size()
        expected = window.photos.set_index("id")["n_detections"]
        assert number.reindex(expected.index, fill_value=0).equals(expected)
    assert log.summary()["photos"] == 800


def test_a_log_that_is_not_there_is_not_made(path: Path) -> None:
    with (
        pytest.raises(MonitoringError, match="no prediction log at"),
        open_log(f"sqlite:///{path}"),
    ):
        pass
    assert not path.exists()


def test_a_locked_log_is_one_line_and_loses_nothing(
    log: PredictionLog, path: Path, photos: Any
) -> None:
    log.append(photos(30, 1))
    log.close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    url = f"sqlite:///{path}?timeout=0.2"
    with pytest.raises(MonitoringError, match="database is locked") as caught, open_log(url) as one:
        observe(one, MODEL, MonitoringConfig())
    assert "\n" not in str(caught.value)
    other.close()
    with open_log(url) as one:
        assert observe(one, MODEL, MonitoringConfig()).n_photos == 30


def test_a_log_that_goes_away_while_it_is_read(log: PredictionLog, path: Path, photos: Any) -> None:
    log.append(photos(30, 1))
    log.close()

    def observe_what_is_gone() -> None:
        with open_log(f"sqlite:///{path}") as one:
            with sqlite3.connect(path) as other:
                other.execute("DROP TABLE predictions")
            observe(one, MODEL, MonitoringConfig())

    with pytest.raises(MonitoringError, match="cannot be read: no such table"):
        observe_what_is_gone()


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_text("not a database, " * 100)
    with (
        pytest.raises(MonitoringError, match="file is not a database"),
        open_log(f"sqlite:///{path}"),
    ):
        pass


def test_a_server_that_cannot_be_reached_is_named_without_its_password() -> None:
    url = "postgresql://me:secret@127.0.0.1:9/log"
    with pytest.raises(MonitoringError, match="cannot be read") as caught, open_log(url):
        pass
    assert "secret" not in str(caught.value)


def test_the_champion_and_other_versions(model_folder: Path, tmp_path: Path) -> None:
    assert monitored_model(model_folder, None).version == "1"
    assert monitored_model(model_folder, "1").folder == model_folder.resolve()
    with pytest.raises(MonitoringError, match=r"no published version 7 .*published: 1"):
        monitored_model(model_folder, "7")
    with pytest.raises(MonitoringError, match="no champion in"):
        monitored_model(tmp_path / "champion", None)


def test_a_model_without_a_reference_is_refused(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MonitoringError, match=r"has no reference\.parquet"):
        monitored_model(model_folder, None).reference()
    (tmp_path / "reference.parquet").write_text("no parquet")
    with pytest.raises(MonitoringError, match="is not a reference"):
        MonitoredModel("birds", "3", tmp_path).reference()


def test_photos_in_tiles_are_set_aside_and_said(log: PredictionLog, photos: Any) -> None:
    """The reference is of photos that were seen whole."""
    whole, tiled = photos(5, 1), [replace(record, tiles=9) for record in photos(7, 2)]
    log.append([*whole, *tiled])
    found = observe(log, MODEL, MonitoringConfig())
    assert found.n_photos == len(found.window.photos) == 5
    assert set(found.window.boxes["prediction_id"]) <= {record.id for record in whole}
    assert "7 photos were set aside: they were counted in tiles" in found.set_aside
