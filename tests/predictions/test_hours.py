"""Sums by the hour: those of the photos themselves, whoever wrote, deleted or migrated them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa

from sparrow.predictions.hours import Sums, count_photos, narrowed, sums_by_interval
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import boxes_table, hours_table, photos_table
from sparrow.predictions.photo_filter import PhotoFilter
from sparrow.predictions.record import LoggedBox, PredictionRecord, new_id

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
BIRDS = PhotoFilter("birds", "3")


def make_records(n: int, seed: int = 1, version: str = "3") -> list[PredictionRecord]:
    """Photos over six hours, in any order; each tenth cannot be read."""
    rng = np.random.default_rng(seed)
    records = []
    for i in range(n):
        boxes = tuple(LoggedBox("bird", rng.random(), 0, 0, 9, 9) for _ in range(rng.integers(3)))
        one = PredictionRecord(
            new_id(), NOON + timedelta(hours=6 * rng.random()), "api", "birds", version, "a.jpg",
            latency_ms=rng.random(),
        )  # fmt: skip
        if i % 10:
            values = dict(zip(("brightness", "contrast", "sharpness", "saturation"),
                              rng.random(4).tolist(), strict=True))  # fmt: skip
            records.append(replace(one, boxes=boxes, **values))
        else:
            records.append(replace(one, error="unreadable_photo"))
    return records


def expected(records: list[PredictionRecord]) -> Sums:
    counted = [one for one in records if one.error is None]
    scores = [box.score for one in records for box in one.boxes]
    return {
        "photos": len(records),
        "errors": len(records) - len(counted),
        "empty": sum(not one.boxes for one in counted),
        "detections": len(scores),
        "measured": len(counted),
        "latency_ms": sum(one.latency_ms for one in counted),
        **{
            name: sum(getattr(one, name) for one in counted)
            for name in ("brightness", "contrast", "sharpness", "saturation")
        },
        "boxes": len(scores),
        "score": sum(scores),
    }


@pytest.fixture(scope="module")
def server_url(postgres: str) -> str:
    """Of a database for the tests of this file."""
    name = f"hours_{new_id()}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return f"{postgres}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PredictionLog]:
    """An empty one, in each kind of database."""
    if request.param == "sqlite":
        log = PredictionLog(f"sqlite:///{tmp_path}/log.db")
    else:
        log = PredictionLog(request.getfixturevalue("server_url"))
        with log._engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE predictions, prediction_hours CASCADE")
    yield log
    log.close()


def test_an_empty_log_has_no_sums(log: PredictionLog) -> None:
    assert sums_by_interval(log, BIRDS) == {}
    assert count_photos(log) == 0
    assert log.model_versions() == []


def test_sums_are_those_of_the_photos_whatever_the_span(log: PredictionLog) -> None:
    records = make_records(120)
    for start in range(0, 120, 50):
        log.append(records[start : start + 50])
    log.append(make_records(7, seed=2, version="4"))
    ends = [None, *(NOON + timedelta(minutes=m) for m in (-60, 7, 59, 60, 61, 240))]
    for since in ends:
        for until in ends:
            chosen = replace(BIRDS, since=since, until=until)
            fit = [
                one
                for one in records
                if (since is None or since <= one.time) and (until is None or one.time < until)
            ]
            found = sums_by_interval(log, chosen)
            assert found.get(0, {}) == (pytest.approx(expected(fit)) if fit else {}), chosen
    assert count_photos(log) == 127
    versions = {row["model_version"]: row for row in log.model_versions()}
    assert {name: row["photos"] for name, row in versions.items()} == {"3": 120, "4": 7}
    assert versions["3"]["last_time"] == max(one.time for one in records)


def test_a_span_is_narrowed_to_the_hours_that_hold_photos(log: PredictionLog) -> None:
    assert narrowed(log, BIRDS) == BIRDS
    records = make_records(40)
    log.append([*records, *make_records(5, version="4")])
    day = timedelta(days=1)
    for chosen in (BIRDS, replace(BIRDS, since=NOON - day, until=NOON + 9 * day)):
        assert narrowed(log, chosen) == replace(BIRDS, since=NOON, until=NOON + timedelta(hours=6))
    inside = replace(BIRDS, since=NOON + timedelta(minutes=70), until=NOON + timedelta(minutes=80))
    assert narrowed(log, inside) == inside
    assert narrowed(log, replace(BIRDS, model_version="5")).since is None


@pytest.mark.parametrize("width_s", [900, 3600, 3 * 3600])
def test_intervals_begin_at_whole_multiples(log: PredictionLog, width_s: int) -> None:
    records = make_records(60)
    log.append(records)
    intervals: dict[int, list[PredictionRecord]] = {}
    for one in records:
        intervals.setdefault(int(one.time.timestamp() // width_s * width_s), []).append(one)
    found = sums_by_interval(log, replace(BIRDS, until=NOON + timedelta(days=9)), width_s)
    assert found.keys() == intervals.keys()
    for begin, some in intervals.items():
        assert found[begin] == pytest.approx(expected(some))


def test_parts_that_the_sums_do_not_know_are_read_photo_by_photo(log: PredictionLog) -> None:
    records = make_records(40)
    log.append([*records[:30], *(replace(one, source="page") for one in records[30:])])
    assert count_photos(log, replace(BIRDS, source="page")) == 10
    half = sum(int(one.id[:8], 16) < 2**31 for one in records)
    for is_sparse in (True, False):
        assert count_photos(log, replace(BIRDS, fraction=0.5, is_sparse=is_sparse)) == half


def test_what_is_deleted_is_taken_off(log: PredictionLog) -> None:
    records = make_records(30)
    log.append(records)
    gone = [one.id for one in records[:12]]
    with log._engine.begin() as connection:  # as somebody who erases photos would
        connection.execute(sa.delete(boxes_table).where(boxes_table.c.prediction_id.in_(gone)))
        connection.execute(sa.delete(photos_table).where(photos_table.c.id.in_(gone)))
    assert sums_by_interval(log, BIRDS)[0] == pytest.approx(expected(records[12:]))
    with log._engine.begin() as connection:
        connection.execute(sa.delete(boxes_table))
        connection.execute(sa.delete(photos_table))
    assert sums_by_interval(log, BIRDS) == {}
    assert log.model_versions() == []


def test_services_that_write_at_once_lose_no_sum(log: PredictionLog) -> None:
    batches = [make_records(40, seed) for seed in range(4)]

    def write(records: list[PredictionRecord]) -> None:
        own = PredictionLog(log.url)  # connections of its own, as a process has
        for start in range(0, 40, 8):
            own.append(records[start : start + 8])
        own.close()

    writers = [threading.Thread(target=write, args=(batch,)) for batch in batches]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    everything = [one for batch in batches for one in batch]
    assert sums_by_interval(log, BIRDS)[0] == pytest.approx(expected(everything))


def test_a_log_of_the_release_before_is_summed_up_when_it_is_opened(log: PredictionLog) -> None:
    records = make_records(50)
    log.append(records)
    sqlite = log._engine.dialect.name == "sqlite"
    with log._engine.begin() as connection:  # as it was at revision 0004
        for table in ("predictions", "boxes"):
            for event in ("insert", "delete"):
                name = f"{table}_hours_{event}"
                undo = f"TRIGGER {name}" if sqlite else f"FUNCTION {name} CASCADE"
                connection.exec_driver_sql(f"DROP {undo}")
        for table in ("prediction_hours", "tiled_predictions"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("DROP INDEX predictions_model_time")
        connection.exec_driver_sql("UPDATE sparrow_version SET version_num = '0004'")
    for read_only in (True, False, False):  # for reading alone nothing is changed
        again = PredictionLog(log.url, read_only=read_only)
        assert again.has(hours_table) != read_only
        assert sums_by_interval(again, BIRDS)[0] == pytest.approx(expected(records))
        assert [row["photos"] for row in again.model_versions()] == [50]
        again.close()
    log.append(make_records(5))
    assert count_photos(log) == 55
