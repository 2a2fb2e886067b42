"""What the card of a monitor's run shows."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from monitoring.trend import TrendPoint
from monitoring.verdict import ColumnChange, DriftVerdict, State

FLOWS = Path(__file__).resolve().parents[2] / "flows"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CHANGE = ColumnChange("brightness", "input", 0.5, 0.2, 0.00025, True, 25, NOON, "Brightness fell.")
DRIFT = DriftVerdict(State.DRIFT, "garden", "3", 25, NOON, NOON, (CHANGE,), "Brightness fell.")
NOTHING = DriftVerdict(State.TOO_FEW, "garden", "3", 0, None, None, (), "No photos.")
TREND = [
    TrendPoint(NOON + timedelta(hours=i), 9, {"count": 1.0, "brightness": value})
    for i, value in enumerate((0.5, None, 0.2))
]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is appended to the step's card."""
    monkeypatch.syspath_prepend(str(FLOWS))
    for name in [name for name in sys.modules if name.split(".")[0] == "cards"]:
        monkeypatch.delitem(sys.modules, name)  # another checkout's
    from cards import parts

    card: list[Any] = []
    monkeypatch.setattr(parts, "current", SimpleNamespace(card=card))
    return card


def types(card: list[Any]) -> list[str]:
    return [part.render()["type"] for part in card]


def test_drift_shows_its_columns_and_their_trend(shown: list[Any]) -> None:
    from cards.monitor import show_verdict

    show_verdict(DRIFT, TREND, "index.html")
    assert types(shown) == ["markdown", "markdown", "table", "markdown", "vegaChart"]
    assert shown[2].render()["data"] == [
        ["brightness", "input", "drift", "0.00025", "Brightness fell."]
    ]
    chart = json.dumps(shown[4].render())
    assert '"brightness": 0.2' in chart
    assert '"count"' not in chart


def test_no_photos_show_the_verdict_alone(shown: list[Any]) -> None:
    from cards.monitor import show_verdict

    show_verdict(NOTHING, [], "index.html")
    assert types(shown) == ["markdown", "markdown"]
    assert "too few photos" in json.dumps([part.render() for part in shown])


def test_the_trend_without_drift_is_that_of_the_count(shown: list[Any]) -> None:
    from cards.monitor import show_verdict

    show_verdict(NOTHING, TREND, "index.html")
    assert '"count": 1.0' in json.dumps(shown[-1].render())
