"""The loop with real processes: one start, no second within the cool-down or beside the first."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.retraining import OUTPUT, STATE, Action, Response, respond
from monitoring.verdict import DriftVerdict, State
from sparrow.config import MonitoringConfig

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRAIN = MonitoringConfig(on_drift="train", cooldown_hours=6.0)
DRIFT = DriftVerdict(State.DRIFT, "birds", "3", 25, NOON, NOON, (), "One column drifted.")


def go(home: Path, script: str = "print('trained')", hours: float = 0.0) -> Response:
    command = [sys.executable, "-c", script]
    return respond(DRIFT, TRAIN, home, command, NOON + timedelta(hours=hours))


def finished(response: Response) -> int:
    assert response.process is not None
    return response.process.wait(60)


@pytest.mark.parametrize("state", [State.OK, State.TOO_FEW])
def test_without_drift_nothing_happens(tmp_path: Path, state: State) -> None:
    calm = DriftVerdict(state, "birds", "3", 25, NOON, NOON, (), "")
    assert respond(calm, TRAIN, tmp_path / "m", ["false"]).action is Action.NOTHING
    assert not (tmp_path / "m").exists()


def test_report_only_is_the_default(tmp_path: Path) -> None:
    found = respond(DRIFT, MonitoringConfig(), tmp_path / "m", ["false"])
    assert found.action is Action.REPORT
    assert "sparrow review" in found.words
    assert not (tmp_path / "m").exists()


def test_a_training_is_started_once_and_again_after_the_cool_down(tmp_path: Path) -> None:
    first = go(tmp_path)
    assert first.action is Action.TRAIN
    assert finished(first) == 0
    assert (tmp_path / OUTPUT).read_text() == "trained\n"
    assert json.loads((tmp_path / STATE).read_text())["started_at"] == NOON.isoformat()
    early = go(tmp_path, hours=5.9)
    assert early.action is Action.WAIT
    assert "not before 2026-05-01 18:00 UTC" in early.words
    later = go(tmp_path, hours=6.0)
    assert later.action is Action.TRAIN
    assert finished(later) == 0


def test_never_two_at_a_time_however_long_the_first_takes(tmp_path: Path) -> None:
    script = f"import pathlib, time\nwhile not pathlib.Path({str(tmp_path / 'end')!r}).exists():\n"
    first = go(tmp_path, script + "    time.sleep(0.02)")
    second = go(tmp_path, hours=100)
    assert second.action is Action.WAIT
    assert "still running" in second.words
    (tmp_path / "end").touch()
    assert finished(first) == 0
    third = go(tmp_path, hours=100)
    assert third.action is Action.TRAIN
    assert finished(third) == 0


def test_a_training_that_fails_counts(tmp_path: Path) -> None:
    assert finished(go(tmp_path, "raise SystemExit(1)")) == 1
    assert go(tmp_path, hours=1).action is Action.WAIT


def test_state_that_cannot_be_read_stops_the_loop_and_says_so(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text("{")
    found = go(tmp_path)
    assert found.action is Action.WAIT
    assert f"{tmp_path / STATE} cannot be read" in found.words


def test_the_config_of_the_flow_around_it_is_not_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METAFLOW_FLOW_CONFIG_VALUE", "{}")
    script = "import os; print(os.environ.get('METAFLOW_FLOW_CONFIG_VALUE'))"
    assert finished(go(tmp_path, script)) == 0
    assert (tmp_path / OUTPUT).read_text() == "None\n"


def test_it_outlives_who_started_it(tmp_path: Path) -> None:
    """The parent ends at once; the training goes on and still holds the lock."""
    import subprocess

    end, home = tmp_path / "end", tmp_path / "m"
    child = f"import pathlib, time\nwhile not pathlib.Path({str(end)!r}).exists(): time.sleep(0.02)"
    script = (
        "import sys, os; from datetime import datetime, UTC; from pathlib import Path\n"
        "from monitoring.retraining import respond\n"
        "from tests_of_loop import DRIFT, TRAIN\n"
        f"respond(DRIFT, TRAIN, Path({str(home)!r}), [sys.executable, '-c', {child!r}])\n"
        "os._exit(0)"
    )
    (tmp_path / "tests_of_loop.py").write_text(Path(__file__).read_text())
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert go(home, hours=10_000).words == "A training that drift started is still running."
    end.touch()
    deadline = time.monotonic() + 30
    while (again := go(home, hours=10_000)).action is Action.WAIT and time.monotonic() < deadline:
        time.sleep(0.05)
    assert finished(again) == 0
