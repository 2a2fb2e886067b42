"""Photos from the future are said in the verdict, whatever it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.observation import MonitoredModel
from monitoring.run import detect_drift, observe_production
from monitoring.verdict import State
from sparrow.config import make_config
from sparrow.inference.model_folder import REFERENCE
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.record import PredictionRecord, new_id
from sparrow.predictions.window import write_reference


def photo(time: datetime) -> PredictionRecord:
    return PredictionRecord(new_id(), time, "api", "birds", "3", "a.jpg", width_px=9, height_px=9)


@pytest.mark.parametrize("future", [0, 1, 300])
def test_photos_from_the_future_are_no_ok(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, future: int
) -> None:
    now = datetime.now(UTC)
    records = [photo(now - timedelta(days=9, minutes=i)) for i in range(40)]
    write_reference(tmp_path / REFERENCE, records, list(range(40)), [0] * 40)
    monkeypatch.setattr(
        "monitoring.observation.monitored_model", lambda *_: MonitoredModel("birds", "3", tmp_path)
    )
    url = f"sqlite:///{tmp_path}/log.db"
    log = PredictionLog(url)
    log.append([photo(now - timedelta(minutes=i)) for i in range(5)])
    log.append([photo(now + timedelta(days=20, minutes=i)) for i in range(future)])
    log.close()
    config = make_config({"stores": {"prediction_log": url}})
    observed = observe_production(config, None)
    verdict = detect_drift(config, observed)
    assert verdict.state is State.TOO_FEW  # 300 photos of another time would have been enough
    assert (f"{future} photos were set aside" in verdict.reason) == (future > 0)


def test_minimums_are_said_in_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    records = [photo(now - timedelta(days=9, minutes=i)) for i in range(40)]
    write_reference(tmp_path / REFERENCE, records, list(range(40)), [0] * 40)
    model = MonitoredModel("birds", "3", tmp_path)
    monkeypatch.setattr("monitoring.observation.monitored_model", lambda *_: model)
    url = f"sqlite:///{tmp_path}/log.db"
    config = make_config({"stores": {"prediction_log": url}})
    log = PredictionLog(url)
    log.append([replace(photo(now), count=2, count_low=1, count_high=3)])
    assert "minimum" not in detect_drift(config, observe_production(config, None)).reason
    log.append([replace(photo(now), count=120, count_low=117, count_high=None)])
    reason = detect_drift(config, observe_production(config, None)).reason
    assert "In 1 of these photos the count reaches the most that the model finds" in reason
    log.close()
