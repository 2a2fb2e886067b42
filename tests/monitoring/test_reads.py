"""What the monitor and the page read of a log: by an index or from sums, never all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from monitoring.observation import MonitoredModel, observe, other_versions
from monitoring.trend import trend
from sparrow.config import MonitoringConfig
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.photo_filter import PhotoFilter
from sparrow.predictions.record import new_id
from sparrow.predictions.window import read_window

TABLES = ("predictions", "boxes", "class_counts", "feedback")


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path, photos: Any) -> Iterator[PredictionLog]:
    """Two versions over four days: the monitored one, and as many photos of another."""
    url = f"sqlite:///{tmp_path}/log.db"
    if request.param == "postgresql":
        server, name = request.getfixturevalue("postgres"), f"reads_{new_id()}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        url = f"{server}/{name}"
    log = PredictionLog(url)
    for version in ("3", "4"):
        records = photos(200, 1, version=version)
        log.append([replace(one, time=one.time + (one.time - records[0].time) * 29)
                    for one in records])  # fmt: skip
    yield log
    log.close()


def plans(log: PredictionLog, read: Any) -> list[str]:
    """How the database would go about each question that is asked of it."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.lstrip().startswith("SELECT") and any(
            f"FROM {t}" in statement for t in TABLES
        ):
            asked.append((statement, values))

    event.listen(log._engine, "before_cursor_execute", note)
    read()
    event.remove(log._engine, "before_cursor_execute", note)
    found = []
    with log._engine.connect() as connection:
        sqlite = log._engine.dialect.name == "sqlite"
        if not sqlite:  # of two hundred rows it would rightly read all
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, values in asked:
            words = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
            rows = connection.exec_driver_sql(words + statement, values).fetchall()
            found.append("\n".join(str(row[-1]) for row in rows))
    assert found
    return found


def scanned(plan: str) -> list[str]:
    """Tables of photos of which a plan reads every row."""
    lines = plan.splitlines()
    return [
        table
        for table in TABLES
        for line in lines
        if f"SCAN {table}" in line  # SQLite's word, also for a whole index; SEARCH is a part
        or f"Seq Scan on {table}" in line
        or (f" on {table}" in line and "Index" in line and "Cond" not in plan)
    ]


def test_the_monitor_scans_nothing(log: PredictionLog, photos: Any) -> None:
    """Trained before all photos, or amid them; the window is read whole, or a sample of it."""
    begin = photos(1, 1)[0].time
    now = begin + timedelta(days=5)
    for days, max_photos, window_days in (
        (-1, 20_000, None), (-1, 50, None), (1, 50, 9.0), (3, 20_000, 9.0),
    ):  # fmt: skip
        model = MonitoredModel("birds", "3", Path("nowhere"), begin + timedelta(days=days))
        config = MonitoringConfig(windows=(25,), max_photos=max_photos, window_days=window_days)

        def read(model: MonitoredModel = model, config: MonitoringConfig = config) -> None:
            observe(log, model, config, now)
            trend(log, model, now)
            other_versions(log, model)

        for plan in plans(log, read):
            assert scanned(plan) == [], plan


def test_the_page_and_the_review_scan_nothing(log: PredictionLog, photos: Any) -> None:
    since = photos(1, 1)[0].time + timedelta(days=3)

    def read() -> None:
        log.summary(PhotoFilter(since=since))
        read_window(log, PhotoFilter("birds", "3"), limit=50)
        log.append_missing(photos(1, 7))

    for plan in plans(log, read):
        assert scanned(plan) == [], plan


def test_a_plan_that_reads_everything_is_found(log: PredictionLog) -> None:
    """Else the tests above could not fail."""
    found = plans(log, lambda: log.summary())
    assert any("predictions" in scanned(plan) for plan in found)
