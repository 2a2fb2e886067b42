"""What the monitor does about drift, with the training flow itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitoring.alerts import FILE
from monitoring.retraining import OUTPUT
from monitoring.run import respond_to
from monitoring.verdict import DriftVerdict, State
from sparrow.config import make_config

FLOWS = Path(__file__).resolve().parents[2] / "flows"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DRIFT = DriftVerdict(State.DRIFT, "birds", "3", 25, NOON, NOON, (), "One column drifted.")


@pytest.mark.slow
def test_drift_starts_the_training_flow_with_the_monitors_own_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its data is nowhere, and it says so: it was started, and with this config."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("METAFLOW_DATASTORE_SYSROOT_LOCAL", str(tmp_path))
    (tmp_path / ".metaflow").mkdir()
    config = make_config(
        {"data": {"root": "no-such-place"}, "monitoring": {"on_drift": "train"}},
    )
    home = Path(config.stores.monitoring)
    started = respond_to(config, DRIFT, FLOWS / "train.py", no_event)
    assert started.words.startswith("Training was started")
    assert started.process is not None
    assert started.process.wait(120) != 0
    said = (home / OUTPUT).read_text()
    assert "no-such-place/image_info.csv: there is no such file" in said
    assert "Traceback" not in said
    assert "not before" in respond_to(config, DRIFT, FLOWS / "train.py", no_event).words
    told = [json.loads(line) for line in (home / FILE).read_text().splitlines()]
    assert [one["response"].split()[0] for one in told] == ["Training", "Drift"]


def no_event(event: str, parameters: Mapping[str, str]) -> str:
    raise AssertionError(f"{event} {parameters}: the config names no event")
