"""Photos from the future are said in the verdict, whatever it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.observation import MonitoredModel
from monitoring.retraining import OUTPUT
from monitoring.run import detect_drift, observe_production, respond_to
from monitoring.verdict import DriftVerdict, State
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


def test_a_training_that_drift_started_accepts_the_drift_of_new_photos_and_says_so(
    tmp_path: Path,
) -> None:
    """A flow that prints the config it is given stands in for the training."""
    flow = tmp_path / "train.py"
    flow.write_text(
        "import json, sys\n"
        "print(json.loads(sys.argv[sys.argv.index('config') + 1])['checks']['accept'])\n"
    )
    config = make_config(
        {
            "checks": {"accept": ["size-ratio"]},
            "monitoring": {"on_drift": "train"},
            "stores": {"monitoring": str(tmp_path / "monitoring")},
        }
    )
    drift = DriftVerdict(State.DRIFT, "birds", "3", 25, None, None, (), "One column drifted.")
    response = respond_to(config, drift, flow)
    assert response.process is not None
    assert response.process.wait(60) == 0
    output = (tmp_path / "monitoring" / OUTPUT).read_text()
    assert output == "['size-ratio', 'new-drift']\n"
    assert response.words.endswith("It accepts new-drift: drift is why it was started.")
    assert "new-drift" not in config.checks.accept
    waiting = respond_to(config, drift, flow)
    assert "new-drift" not in waiting.words  # nothing was started
