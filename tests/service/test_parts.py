"""Parts of the service that need no server: rate, kept photos."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service import photo_retention
from service.photo_retention import PhotoRetention
from service.rate import RateLimit
from sparrow.config import ServiceConfig
from sparrow.predictions.record import PredictionRecord, new_id


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    rate = RateLimit(2, clock=lambda: now[0])
    assert [rate.wait_s("a") for _ in range(3)] == [0, 0, 30]  # 2 a minute: one every 30 s
    assert rate.wait_s("b") == 0  # another client has its own
    now[0] = 30
    assert rate.wait_s("a") == 0


def record() -> PredictionRecord:
    return PredictionRecord(new_id(), datetime.now(UTC), "api", "m", "1", "a.jpg")


def retention_of(folder: Path, **limits: Any) -> PhotoRetention:
    return PhotoRetention(ServiceConfig(keep_folder=str(folder), **limits))


def test_photos_are_kept_only_when_asked_and_never_too_many(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    none = retention_of(folder)
    none.maybe_store(record(), b"x")
    none.close()
    assert not folder.exists()
    retention = retention_of(folder, keep_fraction=1.0, keep_photos=2)
    for _ in range(4):
        retention.maybe_store(record(), b"x")
    retention.maybe_store(replace(record(), error="unreadable_photo"), b"x")
    retention.close()
    assert len(list(folder.iterdir())) == 2


def test_a_photo_of_consent_is_kept_with_its_boxes_and_both_go_together(tmp_path: Path) -> None:
    """0.25 MB are kept: of three photos of 0.1 MB each the oldest goes, with its boxes."""
    retention = retention_of(tmp_path, keep_mb=0.25)
    photos = [record() for _ in range(3)]
    for number, photo in enumerate(photos):
        retention.store(photo, b"x" * 100_000, [] if number < 2 else None)
        for path in tmp_path.glob(f"{photo.id}.*"):
            os.utime(path, (time.time() - 100 + number,) * 2)
    retention.tidy()
    retention.close()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"{photos[1].id}.photo", f"{photos[1].id}.boxes.json", f"{photos[2].id}.photo"}


def test_boxes_whose_photo_is_gone_go_too(tmp_path: Path) -> None:
    alone = aged(tmp_path, f"{new_id()}.boxes.json", 1)
    retention_of(tmp_path).close()
    assert not alone.exists()


def aged(folder: Path, name: str, days: float) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(b"x")
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_age_of_kept_photos_holds_at_the_start_whether_any_are_kept_or_not(
    tmp_path: Path, share: float
) -> None:
    old = aged(tmp_path, f"{new_id()}.photo", 31)
    young = aged(tmp_path, f"{new_id()}.photo", 29)
    retention_of(tmp_path, keep_days=30, keep_fraction=share).close()
    assert not old.exists()
    assert young.exists()


def test_the_age_of_kept_photos_holds_while_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_retention, "TIDY_SECONDS", 0.05)
    retention = retention_of(tmp_path, keep_days=1)
    old = aged(tmp_path, f"{new_id()}.photo", 2)
    for _ in range(200):
        if not old.exists():
            break
        time.sleep(0.05)
    retention.close()
    assert not old.exists()


def test_half_written_files_go_and_other_peoples_stay(tmp_path: Path) -> None:
    left = aged(tmp_path, f"{new_id()}.partial", 0.5)
    stay = [
        aged(tmp_path, f"{new_id()}.partial", 0),  # somebody is writing it
        aged(tmp_path, "holiday.photo", 400),
        aged(tmp_path, "notes.partial", 400),
        aged(tmp_path, f"{new_id()}.jpg", 400),
    ]
    folder = tmp_path / f"{new_id()}.photo"
    folder.mkdir()
    os.utime(folder, (0, 0))
    retention_of(tmp_path).close()
    assert not left.exists()
    assert all(path.exists() for path in [*stay, folder])


def test_a_photo_from_the_future_does_not_stay_for_ever(tmp_path: Path) -> None:
    future = aged(tmp_path, f"{new_id()}.photo", -400)
    retention_of(tmp_path).close()
    assert abs(future.stat().st_mtime - time.time()) < 3600  # its age begins now


def test_a_full_disk_leaves_no_half_photo_and_no_error(
    small_disk: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_disk("kept", 0.2)
    retention = retention_of(folder, keep_fraction=1.0)
    for _ in range(4):
        retention.maybe_store(record(), b"x" * 90_000)
    retention.close()
    assert {path.suffix for path in folder.iterdir()} == {".photo"}
    assert all(path.stat().st_size == 90_000 for path in folder.iterdir())
