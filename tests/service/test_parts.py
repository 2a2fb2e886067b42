"""Parts of the service that need no server: rate, kept photos."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from service.keep import PhotoKeeper
from service.rate import RateLimit
from sparrow.config import ServiceConfig
from sparrow.prediction_record import PredictionRecord, new_id


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    rate = RateLimit(2, clock=lambda: now[0])
    assert [rate.wait_s("a") for _ in range(3)] == [0, 0, 30]  # 2 a minute: one every 30 s
    assert rate.wait_s("b") == 0  # another client has its own
    now[0] = 30
    assert rate.wait_s("a") == 0


def record() -> PredictionRecord:
    return PredictionRecord(new_id(), datetime.now(UTC), "api", "m", "1", "a.jpg")


def test_photos_are_kept_only_when_asked_and_never_too_many(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    PhotoKeeper(ServiceConfig(keep_folder=str(folder))).offer(record(), b"x")
    assert not folder.exists()
    keeper = PhotoKeeper(ServiceConfig(keep_folder=str(folder), keep_share=1.0, keep_photos=2))
    for _ in range(4):
        keeper.offer(record(), b"x")
    keeper.offer(replace(record(), error="unreadable_photo"), b"x")
    assert len(list(folder.iterdir())) == 2
