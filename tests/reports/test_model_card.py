"""The model card holds the measured numbers, and says what there is to beware of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sparrow.config import EvaluationConfig
from sparrow.data.formats.exchange import read_csv
from sparrow.data.split.groups import with_groups
from sparrow.data.tables import XYXY
from sparrow.detections import Detections
from sparrow.evaluation.calibration import fit_count_model
from sparrow.evaluation.count_check import check_count_model
from sparrow.evaluation.evaluate import evaluate
from sparrow.evaluation.matching import flatten
from sparrow.inference.model_folder import read_info
from sparrow.reports.model_card import CardFacts, model_card


def text_of(facts):
    return model_card(facts).markdown


@pytest.fixture(scope="module")
def facts(drawn_dataset, model_folder):
    """24 drawn photos, half of them test photos, and a detector that finds every second bird."""
    drawn = read_csv(drawn_dataset)
    images = drawn.images.assign(split=["train"] * 12 + ["test"] * 12)
    dataset = with_groups(replace(drawn, images=images))
    test, info = dataset.subset("test"), read_info(model_folder)
    found = {
        image: Detections(
            boxes[XYXY].to_numpy()[::2],
            np.full(len(boxes[::2]), 0.9),
            np.ones(len(boxes[::2]), int),
        )
        for image, boxes in test.boxes_by_image().items()
    }
    flat, config = flatten(test, found, info.class_names), EvaluationConfig(bootstrap_samples=20)
    evaluation = evaluate(flat, 0.5, config)
    model = fit_count_model(flat, 0.5, config)
    return CardFacts(
        info=info.model_copy(update={"count_model": model.to_dict()}),
        evaluation=evaluation,
        count_check=check_count_model(model, flat),
        latency_ms=83.4,
        at_once=2,
        engine_mb=74.2,
        dataset=dataset,
    )


def test_the_numbers_are_the_measured_ones(facts):
    text, evaluation = text_of(facts), facts.evaluation
    score = evaluation.f_beta
    assert f"| F2 at IoU 0.5 | {score.value:.3f} | {score.low:.3f} to {score.high:.3f} |" in text
    assert evaluation.evidence.startswith("12 photos, 6 authors, 12 different pictures")
    assert evaluation.evidence.split("(")[0] in text
    assert (
        f"It missed {evaluation.errors['missed']} of {len(facts.dataset.subset('test').boxes)}"
        in text
    )
    assert "83 ms a photo (median, from file to boxes, on one processor thread, 2 at a time" in text
    assert f"it held {facts.count_check.coverage:.1%}" in text
    assert f"`{facts.info.data_version}`" in text
    assert 'mlflow.pyfunc.load_model("models:/test-detector@champion")' in text
    assert "nan" not in text


def test_drawn_photos_are_called_drawn(facts):
    warning = "it knows drawings, not real photos"
    assert warning in text_of(facts)
    real = replace(facts.dataset, images=facts.dataset.images.assign(source="Flickr"))
    assert warning not in text_of(replace(facts, dataset=real))


@pytest.mark.parametrize(
    ("equal", "said"),
    [
        (None, "There was no champion to compare with."),
        (
            {"champion_version": 3, "recall": 0.86, "champion_precision": 0.74,
             "threshold": 0.43, "precision": 0.81},
            "version 3, found 86.0% of the house sparrows in the same photos, with precision "
            "0.740. This model finds as many from score 0.430 up, with precision 0.810.",
        ),
        (
            {"champion_version": 3, "recall": 0.86, "champion_precision": 0.74,
             "threshold": None, "precision": None},
            "This model never finds as many.",
        ),
    ],
)  # fmt: skip
def test_the_threshold_at_the_champions_recall(facts, equal, said):
    info = facts.info.model_copy(update={"equal_recall": equal})
    assert said in text_of(replace(facts, info=info))


def test_a_model_without_an_interval_claims_none(facts):
    assert "## The count and its interval" in text_of(facts)
    assert "it is made to hold" not in text_of(replace(facts, count_check=None))


def test_it_says_what_computes_in_integers(facts):
    def engine_row(parity):
        info = facts.info.model_copy(update={"engine_parity": parity})
        text = text_of(replace(facts, info=info))
        return next(line for line in text.splitlines() if line.startswith("| engine"))

    assert "integers" not in engine_row({"integer_layers": 0.0})  # it has no layer worth it
    rounded = {"integer_share": 0.99, "integer_median_score_difference": 0.00031}
    row = engine_row({"integer_layers": 2.0, **rounded})
    assert "its 2 widest layers in 8-bit integers" in row
    assert "moved scores by 0.0003 (median)" in row
    refused = {"integer_layers": 0.0, "integer_share": 0.5, "integer_median_score_difference": 0.1}
    assert "in integers only 50% of detections agreed" in engine_row(refused)
    changes = {"integer_change_of_f_beta": -0.004, "integer_change_of_ap50_95": 0.0012}
    row = engine_row({"integer_layers": 2.0, **rounded, "integer_convolutions": 66.0, **changes})
    assert "66 convolutions in integers too" in row
    assert "F-beta by -0.004 and AP50:95 by +0.001" in row
    assert "convolutions in floating point" in engine_row({"integer_convolutions": 0.0, **changes})


@pytest.mark.parametrize("iou", [0.45, 0.333, 0.625, 0.1])
def test_any_overlap_of_the_config_can_be_named(facts, iou):
    test = facts.dataset.subset("test")
    nothing = {image: Detections.empty() for image in test.images["image"]}
    config = EvaluationConfig(iou=iou, also_iou=(0.5,), bootstrap_samples=20)
    flat = flatten(test, nothing, facts.info.class_names)
    evaluation = evaluate(flat, 0.5, config)
    assert f"| F2 at IoU {iou:g} |" in text_of(replace(facts, evaluation=evaluation))
