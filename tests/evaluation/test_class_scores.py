"""The scores of each class: every number by hand, and against the headline of its boxes alone."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from sparrow.config import EvaluationConfig
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.evaluate import Evaluation, evaluate
from sparrow.evaluation.matching import flatten

CONFIG = EvaluationConfig(bootstrap_samples=200)
NAMES = ("goose", "raccoon", "owl")


@pytest.fixture(scope="module")
def evaluation(make_dataset, found) -> Evaluation:
    """Two geese found, one taken for a raccoon; a raccoon missed; no photo shows an owl."""
    near, far, third = (0, 0, 10, 10), (50, 0, 90, 40), (100, 0, 140, 40)
    dataset = make_dataset(
        {
            "a.jpg": [("goose", *near), ("goose", *far)],
            "b.jpg": [("goose", *near), ("raccoon", *far)],
            "c.jpg": [],
            "d.jpg": [("raccoon", *near)],
        }
    )
    predictions = {
        "a.jpg": found((1, 0.9, *near), (2, 0.8, *far)),
        "b.jpg": found((1, 0.7, *near), (1, 0.2, *far)),  # the second is below the threshold
        "c.jpg": found((3, 0.9, *third)),
        "d.jpg": found((2, 0.6, *near)),
    }
    return evaluate(flatten(dataset, predictions, NAMES), 0.5, CONFIG)


def test_each_class_has_its_own_numbers(evaluation):
    goose, raccoon, owl = evaluation.classes
    assert [one.name for one in evaluation.classes] == list(NAMES)
    assert (goose.objects, goose.photos, goose.groups) == (3, 2, 2)
    assert (raccoon.objects, raccoon.photos, owl.objects, owl.photos) == (2, 2, 0, 0)
    values = {name: one.value for name, one in goose.scores.items()}
    assert values == pytest.approx(
        {
            "f2_iou50": 5 * 2 / (5 * 2 + 4 * 1),  # two of three geese, nothing else called one
            "f2_iou40": 10 / 14,
            "precision": 1.0,
            "recall": 2 / 3,
            "ap50": 67 / 101,  # precision 1 up to recall 2/3: points 0.00 to 0.66
            "ap50_95": 67 / 101,
            "count_mae": 1 / 4,
            "count_bias": -1 / 4,
            "count_exact": 3 / 4,
            "false_count_empty": 0.0,
        }
    )
    # One raccoon of two found, and a goose taken for one.
    assert raccoon.scores["precision"].value == raccoon.scores["recall"].value == 0.5
    assert raccoon.scores["f2_iou50"].value == pytest.approx(5 / (5 + 4 + 1))
    # The two photos without a raccoon: one goose is called one.
    assert raccoon.scores["false_count_empty"].value == 0.5
    assert raccoon.scores["count_bias"].value == 0.0


def test_a_class_that_no_photo_shows_has_no_recall(evaluation):
    scores = evaluation.classes[2].scores
    for name in ("f2_iou50", "f2_iou40", "recall", "ap50", "ap50_95"):
        assert math.isnan(scores[name].value), name
    assert scores["precision"].value == 0.0  # one was found where none is
    assert scores["false_count_empty"].value == 0.25


def test_pooled_counts_add_up_to_the_headline(evaluation):
    """Two thirds of 3 geese and half of 2 raccoons are 3 of 5 objects."""
    found = sum(
        one.scores["recall"].value * one.objects for one in evaluation.classes if one.objects
    )
    assert found / 5 == pytest.approx(evaluation.headline["recall"].value)


def test_a_slice_of_a_class_says_the_same_as_its_scores(evaluation):
    rows = evaluation.slices.set_index("slice")
    for one in evaluation.classes[:2]:
        score, row = one.scores["f2_iou50"], rows.loc[f"class {one.name}"]
        assert [score.value, score.low, score.high] == [row["f_beta"], row["low"], row["high"]]
        assert row["objects"] == one.objects


def test_json(evaluation):
    values = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert [one["name"] for one in values["classes"]] == list(NAMES)
    assert values["classes"][0]["objects"] == 3
    assert values["classes"][0]["scores"]["recall"][0] == pytest.approx(2 / 3)
    assert values["classes"][2]["scores"]["recall"] == [None, None, None]
    assert values["confusion"]["counts"][0] == [2, 1, 0, 0]


def test_one_class_is_what_it_was(make_dataset, found):
    dataset = make_dataset({"a.jpg": [("goose", 0, 0, 9, 9)], "b.jpg": []})
    predictions = {"a.jpg": found((1, 0.9, 0, 0, 9, 9)), "b.jpg": Detections.empty()}
    one = evaluate(flatten(dataset, predictions, ["goose"]), 0.5, CONFIG)
    assert (one.classes, one.confusion) == ((), None)
    assert not [name for name in one.per_photo if "class" in str(name).split()]
    assert not [name for name in one.slices["slice"] if str(name).startswith("class ")]


def test_a_class_scores_as_if_it_were_the_only_one(random_case):
    """The same numbers as an evaluation of its true boxes and detections alone."""
    config = EvaluationConfig(bootstrap_samples=20)
    names = ("c1", "c2", "c3")
    for seed in range(5):
        dataset, predictions = random_case(seed)
        together = evaluate(flatten(dataset, predictions, names), 0.4, config)
        for label, one in enumerate(together.classes, 1):
            if not one.objects:
                continue
            alone = evaluate(
                flatten(*_only(dataset, predictions, label, one.name), [one.name]), 0.4, config
            )
            for name, score in alone.headline.items():
                assert one.scores[name].value == pytest.approx(score.value, nan_ok=True), name


def _only(
    dataset: Dataset, predictions: dict[str, Detections], label: int, name: str
) -> tuple[Dataset, dict[str, Detections]]:
    boxes = dataset.boxes[dataset.boxes["label"] == name].reset_index(drop=True)
    kept = {}
    for image, photo in predictions.items():
        own = photo.labels == label
        kept[image] = Detections(
            photo.boxes_xyxy[own], photo.scores[own], np.ones(int(own.sum()), np.int64)
        )
    return replace(dataset, boxes=boxes), kept
