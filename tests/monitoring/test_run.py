"""Photos from the future are said in the verdict, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.alerts import FILE
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
    response = respond_to(config, drift, flow, no_event)
    assert response.process is not None
    assert response.process.wait(60) == 0
    output = (tmp_path / "monitoring" / OUTPUT).read_text()
    assert output == "['size-ratio', 'new-drift']\n"
    assert response.words.endswith("It accepts new-drift: drift is why it was started.")
    assert "new-drift" not in config.checks.accept
    waiting = respond_to(config, drift, flow, no_event)
    assert "new-drift" not in waiting.words  # nothing was started


def no_event(event: str, parameters: Mapping[str, str]) -> str:
    raise AssertionError(f"{event} {parameters}: the config names no event")


def test_where_the_config_names_an_event_drift_is_published_once_in_the_cool_down(
    tmp_path: Path,
) -> None:
    """One that could not be published is published by the next run; the training is told why."""
    config = make_config(
        {
            "checks": {"accept": ["size-ratio"]},
            "cluster": {"event": "drift"},
            "monitoring": {"on_drift": "train"},
            "stores": {"monitoring": str(tmp_path / "monitoring")},
        }
    )
    sent: list[tuple[str, Mapping[str, str]]] = []
    faults = iter(["no route to host", ""])

    def publish(event: str, parameters: Mapping[str, str]) -> str:
        sent.append((event, parameters))
        return next(faults)

    calm = DriftVerdict(State.OK, "birds", "3", 25, None, None, (), "")
    drift = DriftVerdict(State.DRIFT, "birds", "3", 25, None, None, (), "One column drifted.")
    verdicts = (calm, drift, drift, drift)
    told = [respond_to(config, verdict, tmp_path / "no.py", publish) for verdict in verdicts]
    assert [response.action for response in told] == ["nothing", "report", "publish", "wait"]
    assert all(response.process is None for response in told)
    assert told[1].words == "The event of drift could not be published: no route to host."
    parameters = {"set": '["checks.accept=[size-ratio, new-drift]"]'}
    assert sent == [("drift", parameters)] * 2
    alerts = (tmp_path / "monitoring" / FILE).read_text().splitlines()
    assert [json.loads(line)["exit_code"] for line in alerts] == [0, 3, 3, 3]
