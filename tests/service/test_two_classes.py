"""Two classes from the model to the monitor: fails where any face of counting loses the class."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from counted_folder import count
from PIL import Image, ImageColor
from small_model import write_small_model

import sparrow
from monitoring.drift_detector import DriftDetector
from sparrow.config import MonitoringConfig
from sparrow.drawing.class_boxes import class_color
from sparrow.evaluation.counting import CountModel
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import REFERENCE, read_info, write_info
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.photo_filter import PhotoFilter
from sparrow.predictions.record import ClassCount, PredictionRecord, new_id
from sparrow.predictions.window import Window, read_reference, read_window, write_reference

pytestmark = pytest.mark.slow

CLASSES, VERSION, PHOTOS = ("robin", "raccoon"), "7", 32
FOUND = ((1, 0.9, 4, 4, 24, 24), (2, 0.8, 30, 30, 50, 50), (1, 0.7, 8, 30, 24, 50))
# Every detection is an object, and the interval reaches one to each side.
ABOUT = CountModel(0.5, 0.9, "constant", (0.0,), (1.0,), 0.0, 1.0, (1.0, 0.0, 0.0), 1.0, 10)
COUNTS = [
    {"label": "robin", "count": 2, "low": 1, "high": 3},
    {"label": "raccoon", "count": 1, "low": None, "high": None},  # too few photos showed it
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds two robins and a raccoon; where it was tested there was no raccoon."""
    stored = {"count_model": ABOUT.to_dict(), "class_count_models": {"robin": ABOUT.to_dict()}}
    folder = write_small_model(
        tmp_path_factory.mktemp("two") / VERSION, FOUND, CLASSES, trained_at="", **stored
    )
    seen = PhotoCounter(folder).count(photo(0), "a.png", "reference")[0].record
    write_reference(
        folder / REFERENCE,
        [without_raccoon(seen) for _ in range(40)],
        range(40),
        [2] * 40,
    )
    write_info(folder, read_info(folder, verify=False))
    return folder


def without_raccoon(record: PredictionRecord) -> PredictionRecord:
    robins = tuple(box for box in record.boxes if box.label == "robin")
    counts = (record.class_counts[0], ClassCount("raccoon", 0, None, None))
    return replace(record, id=new_id(), boxes=robins, count=2, class_counts=counts)


def photo(number: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 100 + number, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@contextmanager
def champion(served: Any, folder: Path) -> Iterator[None]:
    """The running service with another model; afterwards with the one it had."""
    before = served.published.resolve()
    try:
        publish(served, folder)
        yield
    finally:
        publish(served, before)


def publish(served: Any, folder: Path) -> None:
    link = served.published.with_name("next")
    link.symlink_to(folder, target_is_directory=True)
    link.replace(served.published)
    for _ in range(600):
        if served.client.get("/model").json()["version"] == folder.name:
            return
        time.sleep(0.05)
    raise AssertionError(f"version {folder.name} is not served")


def test_no_face_loses_a_class(
    served: Any, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with champion(served, folder):
        assert served.client.get("/model").json()["class_names"] == list(CLASSES)
        ids = [check_answer(served, begin) for begin in range(0, PHOTOS, 8)]
        check_picture(served)
        window = logged(served)
    check_window(window, [name for some in ids for name in some])
    check_monitor(folder, window)
    check_command(folder, tmp_path, capsys)
    counted = sparrow.load(folder).count(photo(0))
    assert counted.class_counts == tuple(ClassCount(**one) for one in COUNTS)


def check_answer(served: Any, begin: int) -> list[str]:
    files = [("photos", (f"{n}.png", photo(n))) for n in range(begin, begin + 8)]
    answer = served.client.post("/detect", files=files).json()
    assert all(one["class_counts"] == COUNTS for one in answer["photos"])
    assert all(one["labels"] == ["robin", "raccoon", "robin"] for one in answer["photos"])
    totals = [{"label": "robin", "total": 16}, {"label": "raccoon", "total": 8}]
    assert (answer["total"], answer["class_totals"]) == (24, totals)
    return [one["prediction_id"] for one in answer["photos"]]


def check_picture(served: Any) -> None:
    files = [("photos", ("a.png", photo(PHOTOS)))]
    drawn = served.client.post("/render", files=files, headers={"accept": "image/png"})
    picture = np.asarray(Image.open(io.BytesIO(drawn.content)))
    for place in range(len(CLASSES)):
        assert (picture == ImageColor.getrgb(class_color(place))).all(axis=2).any()


def logged(served: Any) -> Window:
    """All of them: the service writes its log a moment after its answer."""
    log = PredictionLog(served.log_url)
    for _ in range(200):
        window = read_window(log, PhotoFilter(model_version=VERSION))
        if len(window.photos) > PHOTOS:
            break
        time.sleep(0.05)
    log.close()
    return window


def check_window(window: Window, ids: list[str]) -> None:
    counts = window.class_counts.set_index("prediction_id").loc[ids]
    assert counts["label"].tolist() == list(CLASSES) * PHOTOS
    assert counts["count"].tolist() == [2, 1] * PHOTOS
    assert counts["high"].fillna(-1).tolist() == [3, -1] * PHOTOS


def check_monitor(folder: Path, window: Window) -> None:
    reference = read_reference(folder / REFERENCE)
    config = MonitoringConfig(windows=(25,))
    verdict = DriftDetector(reference, config, classes=CLASSES).detect_drift(window)
    drifted = {change.column for change in verdict.drifted}
    assert {"count:raccoon", "class:raccoon"} <= drifted
    assert "count:robin" not in drifted


def check_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    for n in range(2):
        (tmp_path / "photos" / f"{n}.png").write_bytes(photo(n))
    to = tmp_path / "counts.csv"
    capsys.readouterr()
    assert count(folder, tmp_path / "photos", "--to", to, "--annotated", tmp_path / "drawn") == 0
    assert "6 objects in 2 photos\n  4 robins\n  2 raccoons\n" in capsys.readouterr().err
    for row in csv.DictReader(to.read_text().splitlines()):
        robins = [row[name] for name in ("count_robin", "count_robin_low", "count_robin_high")]
        assert robins == ["2", "1", "3"]
        assert (row["count_raccoon"], row["count_raccoon_low"]) == ("1", "")
    table, images = tmp_path / "counts.parquet", tmp_path / "md.json"
    assert count(folder, tmp_path / "photos", "--to", table) == 0
    assert pd.read_parquet(table)["count_robin_high"].tolist() == [3, 3]
    assert pd.read_parquet(table)["count_raccoon_high"].isna().all()
    assert count(folder, tmp_path / "photos", "--to", images, "--megadetector") == 0
    written = json.loads(images.read_text())
    assert written["detection_categories"] == {"1": "robin", "2": "raccoon"}
    assert [one["category"] for one in written["images"][0]["detections"]] == ["1", "2", "1"]
    capsys.readouterr()
    assert count(folder, tmp_path / "photos") == 0
    assert "0.png: 3 (likely 2 to 4; 2 robins, 1 raccoon)\n" in capsys.readouterr().out
