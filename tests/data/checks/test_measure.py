"""Measuring photos: known sizes and looks, errors as values, and a cache that goes by content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparrow.data.checks import measure
from sparrow.data.checks.measure import MEASURED_COLUMNS, measure_photos
from sparrow.data.checks.photo_record import measure_photo


def save(path: Path, rgb: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, **options)
    return path


def noise(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_no_photos_give_an_empty_table(tmp_path: Path) -> None:
    table = measure_photos(tmp_path, [], tmp_path / "cache")
    assert list(table.columns) == list(MEASURED_COLUMNS)
    assert len(table) == 0


def test_a_grey_photo_has_known_looks(tmp_path: Path) -> None:
    path = save(tmp_path / "grey.png", np.full((20, 30, 3), 51, np.uint8))
    record = measure_photo(path)
    assert (record.width_px, record.height_px) == (30, 20)
    assert record.brightness == pytest.approx(0.2, abs=1e-4)  # 51 / 255
    # One colour: nothing varies and no channel exceeds another.
    looks = (record.contrast, record.sharpness, record.saturation)
    assert looks == pytest.approx((0, 0, 0), abs=1e-6)


def test_pure_red_is_fully_saturated(tmp_path: Path) -> None:
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 255
    record = measure_photo(save(tmp_path / "red.png", red))
    assert record.saturation == pytest.approx(1)
    assert record.brightness == pytest.approx(0.299, abs=1e-4)  # BT.601's weight of red


def test_a_turned_photo_is_measured_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    path = save(tmp_path / "turned.jpg", noise(0, height=40, width=60), exif=exif)
    record = measure_photo(path)
    assert (record.width_px, record.height_px) == (40, 60)


def test_what_is_wrong_with_a_file_is_a_value(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no photo")
    whole = save(tmp_path / "whole.jpg", noise(1, 200, 200)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    os.mkfifo(tmp_path / "pipe.jpg")
    names = ["absent.jpg", "folder.jpg", "empty.jpg", "text.jpg", "cut.jpg", "pipe.jpg"]
    errors = measure_photos(tmp_path, names, tmp_path / "cache")["error"]
    expected = ["no such file", "not a file", "empty", "photo", "damaged", "not a file"]
    for error, words in zip(errors, expected, strict=True):
        assert words in error


def test_workers_and_order_do_not_change_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "FEW_BYTES", 0)
    names = [f"{i}.png" for i in range(30)]
    for i, name in enumerate(names):
        save(tmp_path / name, noise(i))
    seen: list[tuple[int, int]] = []
    alone = measure_photos(tmp_path, names, tmp_path / "one", workers=1)
    pooled = measure_photos(
        tmp_path, names, tmp_path / "two", workers=2, progress=lambda *done: seen.append(done)
    )
    assert pooled.equals(alone)
    assert seen[0] == (0, 30)
    assert seen[-1] == (30, 30)


def test_a_second_run_measures_nothing_and_a_changed_photo_anew(tmp_path: Path) -> None:
    photos = tmp_path / "images"
    for i in range(3):
        save(photos / f"{i}.png", noise(i))
    names = ["0.png", "1.png", "2.png"]
    first = measure_photos(photos, names, tmp_path / "cache", workers=1)
    progress: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        progress.append((done, total))

    again = measure_photos(photos, names, tmp_path / "cache", workers=1, progress=note)
    assert again.equals(first)
    assert progress == [(3, 3)]  # all three known before the first is opened

    save(photos / "1.png", noise(9))
    shutil.move(photos / "2.png", photos / "moved.png")
    progress.clear()
    names[2] = "moved.png"
    changed = measure_photos(photos, names, tmp_path / "cache", workers=1, progress=note)
    assert progress == [(2, 3), (3, 3)]  # the moved photo is known by its content
    assert changed["sha256"][1] != first["sha256"][1]
    assert changed["phash"][2] == first["phash"][2]


def test_a_broken_cache_is_made_anew(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(0))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "photos.sqlite").write_bytes(b"not a database, however long it is" * 99)
    assert measure_photos(tmp_path, ["a.png"], tmp_path / "cache")["error"].tolist() == [""]
