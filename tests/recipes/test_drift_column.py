"""The recipe "a drift column": it is measured, judged, and told in words where it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_it_is_judged(follow):
    recipe = follow("A drift column")
    assert recipe.files == ("monitoring/columns.py",)
    from monitoring.columns import NAMES, photo_values
    from monitoring.drift_detector import DriftDetector
    from sparrow.config import MonitoringConfig
    from sparrow.predictions.record import LoggedBox, PredictionRecord
    from sparrow.predictions.window import window_of

    def logged(n: int, seed: int, surest: float):
        """Photos with two boxes whose scores add up to 1.2, whatever the surer one has."""
        rng = np.random.default_rng(seed)
        records = []
        for i in range(n):
            high = float(rng.normal(surest, 0.01))
            boxes = tuple(LoggedBox("bird", s, 8, 8, 40, 40) for s in (high, 1.2 - high))
            records.append(
                PredictionRecord(
                    id=f"{seed}-{i}", time=NOON + timedelta(minutes=i), source="api",
                    model_name="birds", model_version="3", file_name="a.jpg", width_px=64,
                    height_px=48, brightness=0.5, contrast=0.2, sharpness=0.1, saturation=0.3,
                    boxes=boxes,
                )
            )  # fmt: skip
        return window_of(records)

    values = photo_values(logged(1, seed=0, surest=0.9))[0]
    assert abs(values[NAMES.index("top_score")] - 0.9) < 0.05
    detector = DriftDetector(logged(100, seed=1, surest=0.8), MonitoringConfig(windows=(25, 50)))
    calm, changed = (detector.detect_drift(logged(50, seed=2, surest=s)) for s in (0.8, 0.9))
    assert [change.column for change in calm.drifted] == []
    assert [change.column for change in changed.drifted] == ["top_score"]  # "score" is 0.6 still
    assert changed.reason.startswith("Score of a photo's surest detection rose")
