"""What the cards show: each part once, in words and numbers that a reader can use."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sparrow.data.checks.report import CheckReport
from sparrow.drawing.pictures import encode_png
from sparrow.reports.glossary import GLOSSARY

FLOWS = Path(__file__).resolve().parents[2] / "flows"


class Cards(list[Any]):
    """What Metaflow's ``current.card`` is: the step's card, and named ones by their name."""

    def __init__(self) -> None:
        super().__init__()
        self.named: dict[str, list[Any]] = {}

    def __getitem__(self, name: Any) -> Any:
        if isinstance(name, str):
            return self.named.setdefault(name, [])
        return super().__getitem__(name)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Cards:
    monkeypatch.syspath_prepend(str(FLOWS))
    for name in [name for name in sys.modules if name.split(".")[0] == "cards"]:
        monkeypatch.delitem(sys.modules, name)  # another checkout's
    from cards import parts

    cards = Cards()
    monkeypatch.setattr(parts, "current", SimpleNamespace(card=cards))
    return cards


def texts(cards: list[Any]) -> str:
    return json.dumps([part.render() for part in cards], ensure_ascii=False)


def test_a_table_shows_numbers_as_a_reader_needs_them(shown: Cards) -> None:
    from cards.parts import table, text

    rows = [["a", 0.123456, None], [text("b"), math.nan, 3]]
    data = table(["x", "y", "z"], rows).render()["data"]
    assert data[0] == ["a", "0.1235", "–"]
    assert data[1][1:] == ["–", "3"]
    assert data[1][0]["source"].strip() == "b"


# Metaflow tells a picture's kind by its copy of a module that Python no longer has.
@pytest.mark.filterwarnings("ignore:metaflow._vendor.imghdr was removed:DeprecationWarning")
def test_a_named_card_gets_what_is_meant_for_it(shown: Cards) -> None:
    from cards.report import show_card

    show_card("model_card", "# Card", {"Curve": encode_png(np.zeros((4, 4, 3), np.uint8))})
    assert not shown
    assert [part.render()["type"] for part in shown.named["model_card"]] == [
        "markdown", "image", "markdown",
    ]  # fmt: skip
    for word in GLOSSARY:
        assert f"**{word}**" in texts(shown.named["model_card"])


def test_tuning_that_is_switched_off_says_so(shown: Cards) -> None:
    from cards.report import show_tuning

    show_tuning([], {}, {})
    assert "Switched off" in texts(shown)


def test_tuning_names_what_it_chose(shown: Cards) -> None:
    from cards.report import show_tuning

    trials = [{"trial": 0, "value": 0.51239, "rate": 0.1}, {"trial": 1, "state": "pruned"}]
    show_tuning(trials, {"training.learning_rate": 0.0123456, "training.epochs": 4}, {})
    said = texts(shown)
    assert "Best of 2 trials: `training.learning_rate` = 0.01235, `training.epochs` = 4" in said
    assert shown[2].render()["data"] == [["0", "0.5124", "0.1", "–"], ["1", "–", "–", "pruned"]]


def test_a_decision_shows_each_criterion(shown: Cards) -> None:
    from cards.report import show_decision

    gate = {"name": "size", "required": "<= 50 MB", "actual": "60.0 MB", "passed": False}
    decision = {"promote": False, "reason": "too large", "gates": [gate]}
    show_decision(SimpleNamespace(version=3, decision=decision))  # type: ignore[arg-type]
    said = texts(shown)
    assert "# Not promoted: version 3" in said
    assert shown[2].render()["data"] == [["✗", "size", "<= 50 MB", "60.0 MB"]]


def test_checks_without_a_broken_rule_have_no_table(shown: Cards) -> None:
    from cards.data import show_check

    show_check(CheckReport("data/raw", (), 3, 4), 3, "f00", Path("report.html"))
    said = texts(shown)
    assert "All checks passed" in said
    assert "3 photos · data version `f00`" in said
    assert all(part.render()["type"] == "markdown" for part in shown)
