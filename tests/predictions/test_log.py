"""The prediction log: nothing is lost, also without detections, with two writers, when killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sparrow.detections import Detections
from sparrow.inference.model_folder import MAX_NAME_LENGTH
from sparrow.predictions.log import PredictionLog, UnknownPredictionError
from sparrow.predictions.photo_filter import PhotoFilter
from sparrow.predictions.record import (
    ClassCount,
    LoggedBox,
    PredictionRecord,
    new_id,
)
from sparrow.predictions.reference_records import LoggedModel, records_from_detections
from sparrow.predictions.window import read_reference, read_window, window_of, write_reference
from sparrow.predictions.writer import PredictionWriter

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TWO = Detections(
    np.array([[1, 2, 30, 40], [5, 5, 10, 10]], np.float32),
    np.array([0.75, 0.5], np.float32),
    np.array([1, 1]),
)


def record(
    minute: int = 0, found: Detections | None = None, version: str = "3"
) -> PredictionRecord:
    found = Detections.empty() if found is None else found
    bare = PredictionRecord(
        id=new_id(),
        time=NOON + timedelta(minutes=minute),
        source="api",
        model_name="birds",
        model_version=version,
        file_name="a.jpg",
        sha256="0" * 64,
        latency_ms=20.0,
    )
    estimate = SimpleNamespace(count=len(found), low=0, high=len(found) + 1)
    photo = np.full((40, 60, 3), 128, np.uint8)
    counted = [ClassCount("sparrow", estimate.count, estimate.low, estimate.high)]
    return bare.with_photo(photo, photo.shape[1::-1]).with_detections(
        found, ["sparrow"], estimate, counted
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty log, in each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/log.db"
    import psycopg

    server = request.getfixturevalue("postgres")
    name = f"log_{new_id()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return f"{server}/{name}"


@pytest.fixture
def log(url: str) -> Iterator[PredictionLog]:
    log = PredictionLog(url)
    yield log
    log.close()


def test_an_empty_log_has_an_empty_window_and_a_summary_of_nothing(log: PredictionLog) -> None:
    window = read_window(log)
    assert len(window.photos) == len(window.boxes) == len(window.feedback) == 0
    summary = log.summary()
    assert summary["photos"] == 0
    assert summary["mean_score"] is None
    assert summary["last_time"] is None


def test_a_photo_without_detections_is_a_row(log: PredictionLog) -> None:
    log.append([record(0), record(1, TWO)])
    window = read_window(log)
    assert window.photos["n_detections"].tolist() == [0, 2]
    assert window.photos["count"].tolist() == [0, 2]
    assert window.photos["brightness"].tolist() == pytest.approx([128 / 255] * 2)
    assert window.boxes["score"].tolist() == [0.75, 0.5]
    assert window.boxes.loc[0, ["x_min_px", "y_min_px", "x_max_px", "y_max_px"]].tolist() == [
        1, 2, 30, 40,
    ]  # fmt: skip
    assert window.class_counts.set_index("count")["high"].to_dict() == {0: 1, 2: 3}


def test_the_window_is_the_newest_that_fit_oldest_first(log: PredictionLog) -> None:
    log.append([record(minute, version="old" if minute < 2 else "new") for minute in range(6)])
    newest = read_window(log, PhotoFilter(model_version="new"), limit=2).photos
    assert newest["time"].tolist() == [NOON + timedelta(minutes=4), NOON + timedelta(minutes=5)]
    # since is included, until is not
    part = read_window(log, PhotoFilter(since=NOON, until=NOON + timedelta(minutes=2))).photos
    assert part["model_version"].tolist() == ["old", "old"]


def test_the_database_sums_up(log: PredictionLog) -> None:
    # What cannot be read takes no time, which says nothing of the time of a photo.
    broken = replace(record(2), error="unreadable", count=None, latency_ms=0.3)
    log.append([record(0), record(1, TWO), broken])
    assert log.summary(PhotoFilter(model_version="3")) == {
        "photos": 3,
        "errors": 1,
        "empty": 1,  # the unreadable one is not an empty photo
        "detections": 2,
        "minimums": 0,
        "mean_count": 1.0,  # (0 + 2) / 2
        "mean_score": 0.625,
        "mean_latency_ms": 20.0,
        "first_time": NOON,
        "last_time": NOON + timedelta(minutes=2),
    }
    assert log.model_versions()[0]["photos"] == 3


def test_feedback_belongs_to_a_prediction(log: PredictionLog) -> None:
    seen = record(0, TWO)
    log.append([seen])
    log.add_feedback(seen.id, true_count=3)
    log.add_feedback(seen.id, wrong=True)
    feedback = read_window(log).feedback
    assert feedback["true_count"].fillna(-1).tolist() == [3, -1]
    assert feedback["wrong"].tolist() == [False, True]
    with pytest.raises(UnknownPredictionError, match="no prediction 'nobody'"):
        log.add_feedback("nobody", true_count=1)


def test_names_no_database_takes_are_mended(log: PredictionLog) -> None:
    log.append([replace(record(), file_name="a\0\udcff" + "x" * 300)])
    assert read_window(log).photos["file_name"].tolist() == ["a?" + "x" * 300]


def test_the_longest_names_of_configs_and_folders_go_in_whole(log: PredictionLog) -> None:
    """What a model folder accepts as a name, and a path as long as Linux takes one."""
    name, path = "ü" * MAX_NAME_LENGTH, "d/" * 2000 + "a.jpg"
    sent = replace(
        record(0, TWO, version="v" * 300),
        model_name=name,
        file_name=path,
        boxes=(LoggedBox(name, 0.5, 1, 2, 3, 4),),
        class_counts=(ClassCount(name, 1, 0, 2),),
    )
    log.append([sent])
    window = read_window(log)
    assert window.photos[["model_name", "model_version", "file_name"]].to_numpy().tolist() == [
        [name, "v" * 300, path]
    ]
    assert window.boxes["label"].tolist() == window.class_counts["label"].tolist() == [name]


def test_a_time_without_zone_is_refused(log: PredictionLog) -> None:
    with pytest.raises(ValueError, match="with its zone"):
        log.append([replace(record(), time=datetime(2026, 5, 1))])


def test_the_reference_file_is_a_window(tmp_path: Path) -> None:
    photo = {
        "image": "a.jpg", "sha256": "f" * 64, "width_px": 60, "height_px": 40,
        "brightness": 0.5, "contrast": 0.1, "sharpness": 0.02, "saturation": 0.3,
    }  # fmt: skip
    empty = {**photo, "image": "b.jpg"}
    one = (SimpleNamespace(count=1, low=1, high=2), [ClassCount("sparrow", 1, 1, 2)])
    none = (SimpleNamespace(count=0, low=None, high=None), [ClassCount("sparrow", 0, None, None)])
    records = records_from_detections(
        {"a.jpg": TWO, "b.jpg": Detections.empty()},
        [photo, empty],
        LoggedModel("birds", "3", ["sparrow"], 0.6),
        {"a.jpg": one, "b.jpg": none},
    )
    write_reference(tmp_path / "reference.parquet", records, [4, 4], [2, 0])
    read, made = read_reference(tmp_path / "reference.parquet"), window_of(records)
    assert read.photos["n_detections"].tolist() == [1, 0]  # 0.5 is below the threshold
    same = read.photos.drop(columns=["time", "group"])
    assert same.equals(made.photos.drop(columns="time"))
    assert read.photos["group"].tolist() == [4, 4]
    assert read.feedback["prediction_id"].tolist() == read.photos["id"].tolist()
    assert read.feedback["true_count"].tolist() == [2, 0]
    assert read.boxes.equals(made.boxes)
    assert read.class_counts["count"].tolist() == [1, 0]
    assert read.class_counts.equals(made.class_counts)


def test_the_writer_writes_each_record_once(log: PredictionLog) -> None:
    writer = PredictionWriter(log)
    for minute in range(1200):  # more than two batches
        writer.append(record(minute))
    assert writer.flush()
    assert log.summary()["photos"] == 1200
    writer.append(record(9999))
    writer.close()
    assert log.summary()["photos"] == 1201


def test_a_record_the_database_refuses_does_not_hold_up_the_others(log: PredictionLog) -> None:
    twice, other = record(0), record(1)
    writer = PredictionWriter(log)
    for item in (twice, twice, other):
        writer.append(item)
    assert writer.flush()
    assert log.summary()["photos"] == 2
    writer.close()


CHILD = """
import sys, time
sys.path.insert(0, {tests!r})
from test_log import record
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.writer import PredictionWriter
writer = PredictionWriter(PredictionLog({url!r}))
for i in range({n}):
    writer.append(record(i))
    print(i, flush=True)
    time.sleep(0.002)
writer.close()
"""


def start_child(url: str, n: int) -> subprocess.Popen[str]:
    code = CHILD.format(tests=str(Path(__file__).parent), url=url, n=n)
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )


@pytest.mark.slow
def test_two_processes_write_and_one_is_killed(url: str) -> None:
    whole, killed = start_child(url, 300), start_child(url, 100_000)
    assert killed.stdout is not None
    said = [(time.monotonic(), killed.stdout.readline()) for _ in range(800)]
    killed.send_signal(signal.SIGKILL)
    end = time.monotonic()
    killed.wait()
    killed.stdout.close()
    whole.communicate(timeout=60)
    log = PredictionLog(url)
    older_than_a_second = sum(when < end - 1 for when, _ in said)
    assert log.summary()["photos"] >= 300 + older_than_a_second
    log.close()
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
