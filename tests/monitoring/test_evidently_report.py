"""Evidently's report says what the drift detector says, also of windows in which nothing varies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitoring.columns import photo_table
from monitoring.drift_detector import DriftDetector
from monitoring.evidently_report import write_evidently_report
from sparrow.config import MonitoringConfig
from sparrow.predictions.window import window_of


def test_nothing_to_draw_is_no_file(photos: Any, tmp_path: Path) -> None:
    detector = DriftDetector(window_of(photos(60, 1)), MonitoringConfig(windows=(25,)))
    nothing = photo_table(window_of([]))
    path = tmp_path / "report.html"
    assert not write_evidently_report(
        path, (nothing, nothing), detector.detect_drift(window_of([])), 0.05
    )
    assert not path.exists()


@pytest.mark.slow
def test_constant_columns_are_drawn(photos: Any, tmp_path: Path) -> None:
    values = photo_table(window_of(photos(1, 1))).loc[[0] * 60]
    detector = DriftDetector(window_of(photos(60, 1)), MonitoringConfig(windows=(25,)))
    verdict = detector.detect_drift(window_of(photos(30, 2)))
    path = tmp_path / "report.html"
    titles = {"count": "count (4 means 4 or more)"}
    assert write_evidently_report(path, (values, values.iloc[:30]), verdict, 0.05, titles)
    assert "count (4 means 4 or more)" in path.read_text()
    assert path.stat().st_size > 1e6
