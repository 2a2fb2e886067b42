"""The candidate's threshold follows from the champion's recall."""

from __future__ import annotations

import pytest

from sparrow.config import EvaluationConfig
from sparrow.evaluation.equal_recall import EqualRecall, at_equal_recall, operating_threshold
from sparrow.evaluation.matching import flatten

CONFIG = EvaluationConfig()
ROW = [(0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (40.0, 0.0, 50.0, 10.0)]
NOWHERE = (200.0, 200.0, 210.0, 210.0)


@pytest.fixture
def three_birds(make_dataset):
    return make_dataset({"a.jpg": [("bird", *box) for box in ROW]})


def compare(dataset, candidate, champion, threshold):
    models = (flatten(dataset, {"a.jpg": one}, ["bird"]) for one in (candidate, champion))
    return at_equal_recall(*models, threshold, 4, CONFIG)


def test_the_same_birds_at_another_threshold(three_birds, found):
    # At 0.6 the champion finds two of three birds and nothing else.
    champion = found((1, 0.9, *ROW[0]), (1, 0.7, *ROW[1]), (1, 0.5, *ROW[2]))
    # The candidate finds two once its threshold lets 0.3 through; a false one (0.4) comes along.
    candidate = found((1, 0.8, *ROW[0]), (1, 0.4, *NOWHERE), (1, 0.3, *ROW[2]), (1, 0.1, *ROW[1]))
    result = compare(three_birds, candidate, champion, 0.6)
    assert (result.champion_version, result.champion_precision) == (4, 1.0)
    assert result.recall == pytest.approx(2 / 3)
    assert result.threshold == pytest.approx(0.2)  # the middle between 0.3 and 0.1
    assert result.precision == pytest.approx(2 / 3)


def test_a_candidate_that_never_finds_as_many(three_birds, found):
    champion = found(*((1, 0.9, *box) for box in ROW))
    candidate = found((1, 0.9, *ROW[0]))
    assert compare(three_birds, candidate, champion, 0.5) == EqualRecall(4, 1.0, 1.0, None, None)


def test_without_birds_every_recall_is_the_same(make_dataset, found):
    empty = make_dataset({"a.jpg": []})
    result = compare(empty, found((1, 0.9, *NOWHERE)), found(), 0.5)
    assert (result.recall, result.champion_precision) == (1.0, 1.0)
    assert result.precision == 0.0


@pytest.mark.parametrize(
    ("point", "equal", "expected"),
    [
        ("f_beta", EqualRecall(4, 0.8, 0.9, 0.3, 0.7), 0.5),
        ("champion_recall", EqualRecall(4, 0.8, 0.9, 0.3, 0.7), 0.3),
        ("champion_recall", EqualRecall(4, 0.8, 0.9, None, None), 0.5),  # never reached
        ("champion_recall", None, 0.5),  # no champion
    ],
)
def test_the_threshold_that_serves(point, equal, expected):
    config = EvaluationConfig(operating_point=point)
    assert operating_threshold(0.5, equal, config) == expected
