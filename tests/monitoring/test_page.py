"""The page for people, its charts and the trend behind them, on logs whose content is known."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from monitoring.charts import line_chart
from monitoring.drift_detector import DriftDetector
from monitoring.observation import MonitoredModel
from monitoring.page import MonitoringReport, extreme_photos, report_html
from monitoring.trend import MAX_POINTS, trend
from sparrow.config import MonitoringConfig
from sparrow.drawing.class_boxes import class_color
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.record import PredictionRecord
from sparrow.predictions.window import window_of

MODEL = MonitoredModel("birds", "3", Path("nowhere"))


@pytest.fixture
def log(tmp_path: Path) -> Any:
    made = PredictionLog(f"sqlite:///{tmp_path}/log.db")
    yield made
    made.close()


def test_an_empty_log_has_no_trend(log: PredictionLog) -> None:
    assert trend(log, MODEL) == []


def test_the_trend_is_the_means_of_even_intervals(log: PredictionLog, photos: Any) -> None:
    records = photos(120, 1)  # one a minute: two hours, in intervals of five minutes
    records[7] = replace(records[7], error="unreadable_photo", boxes=(), brightness=None)
    records[7] = replace(records[7], latency_ms=0.4)  # reading nothing is quick
    log.append([*records, *photos(5, 2, version="4")])
    points = trend(log, MODEL)
    assert len(points) == 24
    assert sum(point.photos for point in points) == 120
    second = records[5:10]
    counted = [one for one in second if one.error is None]
    means = points[1].means
    assert points[1].begin == records[5].time
    assert means["error_fraction"] == pytest.approx(0.2)
    assert means["count"] == pytest.approx(sum(x.n_detections for x in counted) / 4)
    assert means["empty"] == pytest.approx(sum(not x.boxes for x in counted) / 4)
    assert means["brightness"] == pytest.approx(sum(x.brightness for x in counted) / 4)
    assert means["latency_ms"] == pytest.approx(20.0)
    scores = [box.score for one in counted for box in one.boxes]
    assert means["score"] == pytest.approx(sum(scores) / len(scores))


def of_two_classes(records: list[PredictionRecord]) -> list[PredictionRecord]:
    """The first box of each photo is a snow goose's."""
    return [
        replace(one, boxes=(replace(one.boxes[0], label="snow_goose"), *one.boxes[1:]))
        if one.boxes
        else one
        for one in records
    ]


def test_of_several_classes_each_has_its_trend(log: PredictionLog, photos: Any) -> None:
    records = of_two_classes(photos(120, 1))
    records[7] = replace(records[7], error="unreadable_photo", boxes=(), brightness=None)
    log.append(records)
    points = trend(log, replace(MODEL, classes=("bird", "snow_goose", "wren")))
    counted = [one for one in records[5:10] if one.error is None]
    geese = sum(bool(one.boxes) for one in counted)
    birds = sum(len(one.boxes) for one in counted) - geese
    means = points[1].means
    assert (means["count:snow_goose"], means["count:bird"], means["count:wren"]) == (
        pytest.approx(geese / 4),
        pytest.approx(birds / 4),
        0,
    )
    assert "count:bird" not in trend(log, MODEL)[1].means  # of one class it is the count


def test_the_page_names_and_colours_each_class(
    log: PredictionLog, photos: Any, tmp_path: Path
) -> None:
    classes = ("bird", "snow_goose")
    reference, newest = window_of(photos(200, 1)), of_two_classes(photos(120, 2))
    log.append(newest)
    detector = DriftDetector(reference, MonitoringConfig(windows=(100,)), 0, classes)
    verdict = detector.detect_drift(window_of(newest))
    for one in newest:
        Image.fromarray(np.full((480, 640, 3), 90, np.uint8)).save(
            tmp_path / f"{one.id}.photo", "PNG"
        )
    points = trend(log, replace(MODEL, classes=classes))
    page = report_html(
        MonitoringReport(verdict, window_of(newest), 120, points, [], tmp_path, False, classes)
    )
    assert "snow geese" not in page  # no plural of it is known here
    assert "snow gooses per photo" in page
    assert re.search(r"[1-4] detected \((\d birds?, )?1 snow goose", page)
    jpeg = re.search(r"data:image/jpeg;base64,([^\"]+)", page)
    assert jpeg is not None
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(jpeg[1]))), dtype=int)
    blue = np.array(ImageColor.getrgb(class_color(1)))  # of the second class
    assert (np.abs(shown - blue).sum(-1) < 60).any()


@pytest.mark.parametrize("days", [0, 1, 300, 9000])
def test_however_long_the_log_the_trend_is_short(
    log: PredictionLog, photos: Any, days: int
) -> None:
    records = photos(50, 1)
    late = [
        replace(one, time=one.time + timedelta(days=days * i / 50)) for i, one in enumerate(records)
    ]
    log.append(late)
    assert 1 <= len(trend(log, MODEL)) <= MAX_POINTS + 1


def test_a_chart_of_one_point_and_of_gaps() -> None:
    assert "<circle" in line_chart("x", [1.0], ("a", "b"), None)
    gaps = line_chart("x", [1.0, None, 2.0, 3.0], ("a", "b"), 1.5)
    assert gaps.count("<polyline") == 1  # only the last two have a neighbour
    assert gaps.count("<circle") == 3
    assert 'class="reference"' in gaps


def test_a_page_of_no_photos_says_so(photos: Any, tmp_path: Path) -> None:
    detector = DriftDetector(window_of(photos(60, 1)), MonitoringConfig(windows=(25,)))
    nothing = window_of([])
    page = report_html(
        MonitoringReport(detector.detect_drift(nothing), nothing, 0, [], [], tmp_path, False)
    )
    assert "too few photos" in page
    assert "No photos." in page
    assert "What changed" not in page


def test_names_from_outside_are_text_and_not_markup(photos: Any, tmp_path: Path) -> None:
    detector = DriftDetector(window_of(photos(60, 1)), MonitoringConfig(windows=(25,)))
    window = window_of(photos(30, 2, name="<script>"))
    page = report_html(
        MonitoringReport(detector.detect_drift(window), window, 30, [], [], tmp_path, False)
    )
    assert "<script>" not in page


def test_the_photos_shown_are_those_that_differ_most(photos: Any) -> None:
    detector = DriftDetector(window_of(photos(60, 1)), MonitoringConfig(windows=(25,)))
    night = photos(30, 2, brightness=0.1)
    verdict = detector.detect_drift(window_of(night))
    change = next(one for one in verdict.changes if one.column == "brightness")
    darkest = min(night[-change.photos :], key=lambda one: one.brightness)
    assert extreme_photos(window_of(night), change)[0] == darkest.id
