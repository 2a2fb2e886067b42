"""What the cards show: each part once, in words and numbers that a reader can use."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparrow.config import Config, make_config
from sparrow.data.checks.label_errors import label_error_candidates
from sparrow.data.checks.outcome import RuleOutcome
from sparrow.data.checks.report import CheckReport
from sparrow.data.checks.rules import RULES
from sparrow.data.comparison import Comparison
from sparrow.data.formats.exchange import read_csv
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.drawing.pictures import encode_png
from sparrow.reports.document import Document, picture_line
from sparrow.reports.glossary import GLOSSARY

# Metaflow tells a picture's kind by its copy of a module that Python no longer has.
VENDORED = pytest.mark.filterwarnings(
    "ignore:metaflow._vendor.imghdr was removed:DeprecationWarning"
)
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


@VENDORED
def test_a_named_card_gets_what_is_meant_for_it(shown: Cards) -> None:
    from cards.report import show_card

    png = encode_png(np.zeros((4, 4, 3), np.uint8))
    text = f"# Card\n\n{picture_line('Curve', 'figures/curve.png')}\n\n## End"
    show_card("model_card", Document("Card", text, {"figures/curve.png": png}))
    assert not shown
    assert [part.render()["type"] for part in shown.named["model_card"]] == [
        "markdown", "image", "markdown", "markdown",
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


def test_checks_show_every_rule_those_that_hold_too(shown: Cards) -> None:
    from cards.data import show_check

    show_check(CheckReport("data/raw", (), 3, 4), 3, "f00", Path("report.html"))
    said = texts(shown)
    assert "All checks passed" in said
    assert "3 photos · data version `f00`" in said
    (rules,) = [part.render()["data"] for part in shown if part.render()["type"] == "table"]
    assert {row[1] for row in rules} == set(RULES)
    assert [row[0] for row in rules] == ["passed"] * (len(RULES) - 3) + ["not tested"] * 3


@pytest.fixture(scope="module")
def photos(drawn_dataset: Path) -> Dataset:
    return read_csv(drawn_dataset)


@VENDORED
def test_a_split_shows_its_sides_and_closest_pairs(shown: Cards, photos: Dataset) -> None:
    from cards.data import FACTS, show_split

    a, b = photos.images["image"].iloc[:2]
    report = {
        **dict.fromkeys(FACTS, 0.5),
        "crossing": {"author": [], "near_duplicate": [], "visit": []},
        "evidence": "2 photos",
        "splits": {side: {"photos": 1, "authors": 1} for side in ("train", "test")},
        "closest_pairs": [{"train": a, "test": b, "bits": 20}] * 6,
    }
    odd = RuleOutcome("size-ratio", "accepted", "Sizes.", "0.1", "3", ("odd *sizes*",))
    nothing = Comparison("training", "test", (1, 1), "ok", (), (odd,))
    outcome: Any = SimpleNamespace(comparison=nothing, page=Path("page.html"))
    show_split(Config(), photos, report, outcome)
    sides, facts, pairs, rules = [
        part.render()["data"] for part in shown if part.render()["type"] == "table"
    ]
    assert sides == [["photos", "1", "1"], ["authors", "1", "1"]]
    assert ["data version", "0.5"] in facts
    assert [cell["type"] for cell in pairs[0]] == ["markdown", "image", "image"]
    assert len(pairs) == 4  # the closest ones
    said = texts(shown)
    assert "20 of 64 bits differ" in said
    assert "### Test photos (1) against training photos (1): passes; accepted: size-ratio" in said
    assert r"- size-ratio: odd \\*sizes\\*" in said
    assert rules == [["accepted", "size-ratio", "Sizes.", "0.1", "3"]]


def test_an_evaluation_shows_its_numbers(shown: Cards) -> None:
    from cards.report import show_evaluation

    evaluation = SimpleNamespace(
        headline={"recall": SimpleNamespace(value=0.75, low=0.5, high=math.nan)},
        n_photos=12, n_groups=6, threshold=0.25, confidence=0.95, evidence="Few",
        errors={"missed": 3}, details={"ap_small": math.nan},
        slices=pd.DataFrame({"slice": ["all"], "photos": [12]}),
        classes=(), confusion=None,
    )  # fmt: skip
    check = SimpleNamespace(
        coverage=0.875, mean_width=1.5, minimums=0, reliability=SimpleNamespace(error=0.02)
    )
    scored = SimpleNamespace(evaluation=evaluation, latency_ms=41.6, at_once=2, count_check=check)
    config = SimpleNamespace(
        data=SimpleNamespace(classes=("house_sparrow",), plurals={}),
        evaluation=SimpleNamespace(count_confidence=0.9),
    )
    show_evaluation(config, scored, {})  # type: ignore[arg-type]
    tables = [part.render()["data"] for part in shown if part.render()["type"] == "table"]
    assert tables == [
        [["recall", "0.75", "0.5", "–"]],
        [["missed", "3"], ["ap_small", "–"]],
        [["all", "12"]],
    ]
    said = texts(shown)
    assert "takes 42 ms" in said
    assert "nominal level of 90%; its coverage on these photos is 87.5%" in said
    assert "1.50 house sparrows wide" in said


@VENDORED
def test_label_error_candidates_are_pictures(shown: Cards, photos: Dataset) -> None:
    from cards.data import show_label_errors

    nothing = {name: Detections.empty() for name in photos.images["image"]}
    candidates = label_error_candidates(photos, nothing, 0.5)
    assessed: Any = SimpleNamespace(
        label_errors=candidates, label_error_pages=[Path("review.html")]
    )
    show_label_errors(Config(), assessed, photos)
    assert [part.render()["type"] for part in shown] == [
        *["markdown"] * 2, *["image"] * 6, "markdown",
    ]  # fmt: skip
    assert "`review.html`" in texts(shown)


def test_no_label_error_candidates(shown: Cards, photos: Dataset) -> None:
    from cards.data import show_label_errors

    assessed: Any = SimpleNamespace(
        label_errors=label_error_candidates(photos, {}, 0.5), label_error_pages=[]
    )
    show_label_errors(Config(), assessed, photos)
    assert "strongly disagrees with none" in texts(shown)


NOBODYS = make_config({"data": {"show_licenses": []}})


@VENDORED
def test_photos_of_other_licences_are_in_no_card(shown: Cards, photos: Dataset) -> None:
    from cards.data import FACTS, show_label_errors, show_split

    a, b = photos.images["image"].iloc[:2]
    report = {
        **dict.fromkeys(FACTS, 0.5),
        "crossing": {"author": [], "near_duplicate": [], "visit": []},
        "evidence": "2 photos",
        "splits": {side: {"photos": 1, "authors": 1} for side in ("train", "test")},
        "closest_pairs": [{"train": a, "test": b, "bits": 20}],
    }
    nothing = Comparison("training", "test", (1, 1), "ok", (), ())
    outcome: Any = SimpleNamespace(comparison=nothing, page=Path("page.html"))
    show_split(NOBODYS, photos, report, outcome)
    unseen = {name: Detections.empty() for name in photos.images["image"]}
    candidates = label_error_candidates(photos, unseen, 0.5)
    assessed: Any = SimpleNamespace(label_errors=candidates, label_error_pages=[Path("r.html")])
    show_label_errors(NOBODYS, assessed, photos)
    said = texts(shown)
    assert "data:image" not in said
    assert said.count("not shown (data.show_licenses)") == 2
    assert "No photo may be shown here: data.show_licenses allows photos under no licence" in said
