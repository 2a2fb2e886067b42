"""``evaluate`` on hand-made photos: every number by hand."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from sparrow.config import EvaluationConfig
from sparrow.detections import Detections
from sparrow.evaluation.evaluate import PhotoSet, evaluate
from sparrow.evaluation.matching import flatten

CONFIG = EvaluationConfig(bootstrap_samples=200)


@pytest.fixture(scope="module")
def example(make_dataset, found):
    """Four photos: one found and one doubled; all missed; empty with a false bird; empty."""
    bird = ("bird", 0.0, 0.0, 10.0, 10.0)
    far = ("bird", 50.0, 0.0, 150.0, 100.0)
    dataset = make_dataset(
        {"a.jpg": [bird], "b.jpg": [bird, far], "c.jpg": [], "d.jpg": []},
        author=["ann", "bob", "unknown", "bob"],
        brightness=[9.0, 200.0, 100.0, 150.0],
    )
    predictions = {
        "a.jpg": found((1, 0.9, 0, 0, 10, 10), (1, 0.8, 0, 0, 10, 9), (1, 0.1, 0, 0, 9, 9)),
        "b.jpg": Detections.empty(),
        "c.jpg": found((1, 0.7, 0, 0, 30, 40)),
        "d.jpg": Detections.empty(),
    }
    return dataset, predictions


@pytest.fixture(scope="module")
def evaluation(example):
    return evaluate(flatten(*example, ["bird"]), 0.5, CONFIG, 0, PhotoSet("abc", "test"))


def test_headline(evaluation):
    values = {name: one.value for name, one in evaluation.headline.items()}
    assert values == pytest.approx(
        {
            "f2_iou50": 5 / (5 + 4 * 2 + 2),  # TP 1, FN 2, FP 2
            "f2_iou40": 5 / 15,
            "precision": 1 / 3,
            "recall": 1 / 3,
            "ap50": 34 / 101,  # precision 1 up to recall 1/3: points 0.00 to 0.33
            "ap50_95": 34 / 101,
            "count_mae": (1 + 2 + 1 + 0) / 4,
            "count_bias": (1 - 2 + 1 + 0) / 4,
            "count_exact": 1 / 4,
            "false_count_empty": 1 / 2,  # one bird seen on two empty photos
        }
    )
    assert evaluation.f_beta == evaluation.headline["f2_iou50"]
    for one in evaluation.headline.values():
        assert one.low <= one.value <= one.high


def test_per_photo(evaluation):
    columns = evaluation.per_photo[["n_true", "n_predicted", "tp", "fp", "fn"]].to_numpy()
    assert columns.tolist() == [[1, 2, 1, 1, 0], [2, 0, 0, 0, 2], [0, 1, 0, 1, 0], [0] * 5]
    assert evaluation.per_photo["objects"].tolist() == [
        "objects 1",
        "objects 2-5",
        "objects 0",
        "objects 0",
    ]
    assert evaluation.per_photo["dark"].tolist() == [True, False, False, False]
    groups = evaluation.per_photo["group"].tolist()
    assert groups[1] == groups[3]  # both are bob's
    assert evaluation.n_groups == 3


def test_errors(evaluation):
    assert evaluation.errors == {
        "right": 1,
        "classification": 0,
        "duplicate": 1,
        "localization": 0,
        "background": 1,
        "missed": 2,
    }


def test_slices(evaluation):
    table = evaluation.slices.set_index("slice")
    assert table["f_beta"].to_dict() == pytest.approx(
        {
            "objects 0": 0,  # a false bird where there was none
            "objects 1": 5 / 6,
            "objects 2-5": 0,
            "dark": 5 / 6,
            # Small: photo a, the 10x10 bird missed in b, and no false one (30x40 is medium).
            "small boxes": 5 / (5 + 4 + 1),
            "medium boxes": 0,
            "large boxes": 0,
        }
    )
    assert math.isnan(table.loc["objects 1", "low"])  # one photo: no interval


def test_one_author_has_no_interval(make_dataset, example):
    predictions = example[1]
    alone = make_dataset({"a.jpg": [], "b.jpg": []}, author=["ann", "ann"])
    result = evaluate(flatten(alone, predictions, ["bird"]), 0.5, CONFIG)
    assert result.n_groups == 1
    assert all(math.isnan(one.low) for one in result.headline.values())


def test_near_duplicates_are_one_group(make_dataset):
    dataset = make_dataset({"a.jpg": [], "b.jpg": [], "c.jpg": []}, group=[4, 7, 4])
    empty = {image: Detections.empty() for image in dataset.images["image"]}
    assert evaluate(flatten(dataset, empty, ["bird"]), 0.5, CONFIG).n_groups == 2


def test_the_splits_column_is_what_is_drawn_and_nothing_else(make_dataset, found):
    bird = ("bird", 0.0, 0.0, 10.0, 10.0)
    dataset = make_dataset({f"{n}.jpg": [bird] for n in range(40)})
    right = found((1, 0.9, 0, 0, 10, 10))
    predictions = {f"{n}.jpg": right if n < 30 else Detections.empty() for n in range(40)}

    def scored(groups):
        dataset.images["group"] = groups
        return evaluate(flatten(dataset, predictions, ["bird"]), 0.5, CONFIG)

    alone, tied = scored([f"{n}" for n in range(40)]), scored([f"{n // 10}" for n in range(40)])
    assert (alone.n_groups, tied.n_groups) == (40, 4)
    assert alone.f_beta.value == tied.f_beta.value
    assert tied.f_beta.high - tied.f_beta.low > 1.5 * (alone.f_beta.high - alone.f_beta.low)
    assert "40 photos in 4 groups" in tied.evidence
    del dataset.images["group"]
    with pytest.raises(ValueError, match="expected the column 'group'"):
        evaluate(flatten(dataset, predictions, ["bird"]), 0.5, CONFIG)


def test_same_seed_same_numbers(example, evaluation):
    again = evaluate(flatten(*example, ["bird"]), 0.5, CONFIG, 0, PhotoSet("abc", "test"))
    assert again.to_dict() == evaluation.to_dict()
    other = evaluate(flatten(*example, ["bird"]), 0.5, CONFIG, 1)
    assert {k: v.value for k, v in other.headline.items()} == {
        k: v.value for k, v in evaluation.headline.items()
    }


def test_json(evaluation):
    values = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert values["headline"]["f2_iou50"] == evaluation.headline["f2_iou50"].to_list()
    assert pd.DataFrame(values["per_photo"]).equals(evaluation.per_photo)
    slices = pd.DataFrame(values["slices"]).astype(evaluation.slices.dtypes)
    assert slices.equals(evaluation.slices)


def test_perfect_and_empty(make_dataset, found):
    dataset = make_dataset({"a.jpg": [("bird", 0.0, 0.0, 10.0, 10.0)], "b.jpg": []})
    perfect = {"a.jpg": found((1, 0.9, 0, 0, 10, 10)), "b.jpg": Detections.empty()}
    result = evaluate(flatten(dataset, perfect, ["bird"]), 0.5, CONFIG)
    assert result.f_beta.value == 1
    # pycocotools adds the smallest float to what it divides by.
    assert result.headline["ap50_95"].value == pytest.approx(1, abs=1e-12)
    nothing = {"a.jpg": Detections.empty(), "b.jpg": Detections.empty()}
    result = evaluate(flatten(dataset, nothing, ["bird"]), 0.5, CONFIG)
    assert (result.f_beta.value, result.headline["ap50"].value) == (0, 0)
