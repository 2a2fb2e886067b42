"""Calibrated probabilities, expected counts and intervals that keep their word."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sparrow.config import EvaluationConfig
from sparrow.detections import Detections
from sparrow.evaluation.calibration import fit_count_model
from sparrow.evaluation.count_check import check_count_model, reliability
from sparrow.evaluation.counting import CountEstimate, CountModel
from sparrow.evaluation.matching import flatten

CONFIG = EvaluationConfig()
EXACT = CountModel(
    threshold=0.5,
    confidence=0.9,
    method="logistic",
    score_knots=(0.0, 1.0),
    probability_knots=(0.0, 1.0),  # the probability is the score
    base=0.0,
    scale=1.0,
    spread=(0.0, 1.0, 0.0),
    conformal_quantile=2.0,
    photos=100,
)


def scored(*scores: float) -> Detections:
    boxes = np.tile([0, 0, 9, 9], (len(scores), 1))
    return Detections(boxes, np.array(scores), np.ones(len(scores), np.int64))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], CountEstimate(0, 0, 0, 0.0)),
        # Expected 1.6, deviation sqrt(.8*.2*2) = 0.566: from 0.47 to 2.73.
        ([0.8, 0.8], CountEstimate(2, 1, 2, 1.6)),
        # All below the threshold: none is seen, up to 2 may be there (1.2 + 2*0.849 = 2.9).
        ([0.4, 0.4, 0.4], CountEstimate(0, 0, 2, 1.2)),
        # Sure: no width.
        ([1.0, 1.0, 1.0], CountEstimate(3, 3, 3, 3.0)),
    ],
)
def test_estimate(scores, expected):
    estimate = EXACT.estimate(scored(*scores))
    assert estimate.expected == pytest.approx(expected.expected)
    assert (estimate.count, estimate.low, estimate.high) == (
        expected.count,
        expected.low,
        expected.high,
    )


def test_the_count_is_always_within():
    # Expected 1.65 with no width: no whole number is near, but the boxes one sees are three.
    estimate = replace(EXACT, conformal_quantile=0.0).estimate(scored(0.55, 0.55, 0.55))
    assert (estimate.low, estimate.high) == (2, 3)
    assert estimate.count == 3


def test_holds_its_coverage_and_is_calibrated(simulated_photos):
    model = fit_count_model(flatten(*simulated_photos(800, 1), ["bird"]), 0.2, CONFIG)
    check = check_count_model(model, flatten(*simulated_photos(2000, 2), ["bird"]))
    assert 0.87 <= check.coverage <= 0.93
    assert check.reliability.error <= 0.03
    assert check.mean_width < 2
    # The scores themselves are too sure: calibration is what makes them probabilities.
    plain = check_count_model(
        replace(model, score_knots=(0.0, 1.0), probability_knots=(0.0, 1.0)),
        flatten(*simulated_photos(2000, 2), ["bird"]),
    )
    assert plain.reliability.error > 2 * check.reliability.error


@pytest.mark.parametrize("iou", [0.3, 0.4, 0.55, 0.65, 0.75, 0.9])
def test_a_bird_is_what_the_scores_call_one(make_dataset, found, iou):
    """Sure detections hit their bird exactly, the others overlap it by 0.6: at which IoU that is
    a bird is the config's business.
    """
    dataset = make_dataset(
        {f"{n}.jpg": [("bird", 0, 0, 10, 10), ("bird", 50, 0, 60, 10)] for n in range(40)}
    )
    boxes = [(1, 0.9, 0, 0, 10, 10), (1, 0.6, 50, 0, 60, 6)]
    predictions = {image: found(*boxes) for image in dataset.images["image"]}
    model = fit_count_model(flatten(dataset, predictions, ["bird"]), 0.5, EvaluationConfig(iou=iou))
    assert model.iou == iou
    sure, loose = model.probability([0.9, 0.6])
    assert sure > 0.9
    assert loose > 0.9 if iou < 0.6 else loose < 0.1
    # It is held against its own promise, whatever the next config's IoU is.
    kept = CountModel.from_dict(json.loads(json.dumps(model.to_dict())), model.threshold)
    check = check_count_model(kept, flatten(dataset, predictions, ["bird"]))
    assert check.reliability.error < 0.05


def test_a_count_model_made_before_it_said_its_iou_still_opens():
    old = {name: value for name, value in EXACT.to_dict().items() if name != "iou"}
    assert CountModel.from_dict(old, EXACT.threshold) == EXACT
    assert EXACT.iou == 0.5  # what all of them were fitted at


def test_a_count_model_that_holds_the_threshold_as_well_still_opens():
    assert "threshold" not in EXACT.to_dict()
    old = {**EXACT.to_dict(), "threshold": EXACT.threshold}
    assert CountModel.from_dict(old, EXACT.threshold) == EXACT


def test_json_round_trip_and_determinism(simulated_photos):
    photos = simulated_photos(80, 3)
    model = fit_count_model(flatten(*photos, ["bird"]), 0.2, CONFIG)
    assert fit_count_model(flatten(*photos, ["bird"]), 0.2, CONFIG) == model
    text = json.dumps(model.to_dict(), allow_nan=False)
    assert CountModel.from_dict(json.loads(text), model.threshold) == model


def test_broken_json_is_named():
    values = EXACT.to_dict()
    with pytest.raises(ValueError, match=r"missing \['reach'\], unknown \['reech'\]"):
        CountModel.from_dict({**{k: v for k, v in values.items() if k != "reach"}, "reech": 1}, 0.5)
    with pytest.raises(ValueError, match="as many rising scores"):
        CountModel.from_dict({**values, "score_knots": [0.5, 0.1]}, 0.5)


def test_few_or_no_detections_give_a_constant(make_dataset):
    bird = ("bird", 0.0, 0.0, 10.0, 10.0)
    dataset = make_dataset({"a.jpg": [bird], "b.jpg": [], "c.jpg": [bird]})
    nothing = {image: Detections.empty() for image in dataset.images["image"]}
    model = fit_count_model(flatten(dataset, nothing, ["bird"]), 0.5, CONFIG)
    assert (model.method, model.probability_knots) == ("constant", (0.5,))
    estimate = model.estimate(Detections.empty())
    assert (estimate.low, estimate.high) == (0, 1)  # what two photos of three turned out to hold


def test_one_group_can_be_fitted(simulated_photos):
    dataset, predictions = simulated_photos(60, 4)
    dataset.images["group"] = "ann"
    assert (
        fit_count_model(flatten(dataset, predictions, ["bird"]), 0.2, CONFIG).method == "logistic"
    )


def test_reliability():
    # Ten promised 0.9 of which seven are right: off by 0.2; ten promised 0.1, one right: exact.
    probabilities = np.array([0.9] * 10 + [0.1] * 10)
    right = np.array([True] * 7 + [False] * 3 + [True] + [False] * 9)
    result = reliability(probabilities, right)
    assert result.error == pytest.approx(0.1)
    assert result.right == pytest.approx([0.1, 0.7])
    assert reliability(np.zeros(0), np.zeros(0, bool)).error == 0


def test_the_service_needs_numpy_alone():
    code = (
        "import sys; import sparrow.evaluation.counting; "
        "print(sorted({'pandas', 'sklearn', 'scipy', 'matplotlib', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_count_that_reaches_the_maximum_is_open_above():
    model = replace(EXACT, max_objects=2)
    assert model.estimate(scored(0.8)).high == 1
    assert model.estimate(scored(0.8, 0.8)) == CountEstimate(2, 1, None, pytest.approx(1.6))
    # Two that count, and one below the threshold: what is left out scores lower still.
    assert model.estimate(scored(0.8, 0.8, 0.4)).high is None
    assert model.estimate(scored(0.8, 0.4, 0.4)).high is not None
    assert CountModel.from_dict(model.to_dict(), 0.5, 2) == model
    assert CountModel.from_dict(model.to_dict(), 0.5).max_objects is None


def test_open_intervals_hold_what_is_above_and_have_no_width(make_dataset, found):
    """Three photos with 1, 2 and 9 birds; a detector that finds two at most."""
    there = {"a.jpg": 1, "b.jpg": 2, "c.jpg": 9}
    boxes = {
        name: [("bird", 20 * i, 0, 20 * i + 10, 10) for i in range(n)] for name, n in there.items()
    }
    dataset = make_dataset(boxes)
    predictions = {
        name: found(*((1, 1.0, *box[1:]) for box in some[:2])) for name, some in boxes.items()
    }
    flat = flatten(dataset, predictions, ["bird"])
    closed = check_count_model(EXACT, flat)
    assert (closed.coverage, closed.minimums) == (pytest.approx(2 / 3), 0)  # 9 are not in 2 to 2
    check = check_count_model(replace(EXACT, max_objects=2), flat)
    assert (check.coverage, check.minimums, check.mean_width) == (1, 2, 0)
    every = check_count_model(replace(EXACT, max_objects=1), flat)
    assert every.minimums == 3
    assert np.isnan(every.mean_width)
    # A photo of more than can be found widens no other photo's interval.
    fitted = [fit_count_model(flat, 0.5, CONFIG, most).conformal_quantile for most in (None, 2)]
    assert fitted[1] < fitted[0]


def test_coverage_is_known_by_kind_of_photo(simulated_photos):
    dataset, found = simulated_photos(400, 3)
    flat = flatten(dataset, found, ["bird"])
    check = check_count_model(EXACT, flat)
    true = flat.truths_per_photo()
    kinds = {"empty": true == 0, "many": true > 2, "none of these": true < 0}
    by_kind = check.with_kinds(kinds).by_kind
    assert by_kind.keys() == {"empty", "many"}
    for name in by_kind:
        inside = kinds[name]
        assert by_kind[name] == (inside.sum(), check.covered[inside].mean())
    # All photos are one kind: the coverage is the whole's.
    every = {"all": np.ones(len(true), dtype=bool)}
    assert check.with_kinds(every).by_kind == {"all": (len(true), check.coverage)}
