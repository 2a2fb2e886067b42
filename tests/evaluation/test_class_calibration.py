"""A count model for each class: its own detections and truths, and none from too few photos."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sparrow.config import EvaluationConfig
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.calibration import fit_count_model
from sparrow.evaluation.class_calibration import fit_class_count_models, least_photos, of_class
from sparrow.evaluation.count_check import check_count_model
from sparrow.evaluation.matching import FlatDetections, flatten

CONFIG = EvaluationConfig()
CLASSES = ["bird", "raccoon"]


@pytest.fixture(scope="session")
def two_classes(simulated_photos):
    """``two_classes(photos, seed, shown)``: of the second class are the objects of some photos."""

    def make(photos: int, seed: int, shown: int | None = None) -> FlatDetections:
        birds, found = simulated_photos(photos, seed)
        others, found_too = simulated_photos(photos, seed + 1000)
        names = list(birds.images["image"])[:shown]
        second = others.boxes[others.boxes["image"].isin(names)].assign(label="raccoon")
        boxes = pd.concat([birds.boxes, second], ignore_index=True)
        both = {name: with_second(found[name], found_too[name], name in names) for name in found}
        return flatten(Dataset(birds.root, birds.images, boxes), both, CLASSES)

    return make


def with_second(first: Detections, second: Detections, seen: bool) -> Detections:
    if not seen:
        return first
    pairs = ((first.boxes_xyxy, second.boxes_xyxy), (first.scores, second.scores))
    boxes, scores = (np.concatenate(pair) for pair in pairs)
    return Detections(boxes, scores, np.concatenate([first.labels, second.labels + 1]))


@pytest.mark.parametrize(("confidence", "least"), [(0.9, 9), (0.8, 4), (0.95, 19), (0.5, 1)])
def test_the_least_photos_are_those_that_have_the_rank(confidence: float, least: int) -> None:
    assert least_photos(confidence) == least
    for photos in range(1, 30):  # ceil((n + 1) c) <= n
        has_the_rank = np.ceil((photos + 1) * confidence - 1e-9) <= photos
        assert has_the_rank == (photos >= least)


def test_a_model_of_one_class_needs_none(simulated_photos) -> None:
    assert fit_class_count_models(flatten(*simulated_photos(40, 1), ["bird"]), 0.2, CONFIG) == {}


@pytest.mark.parametrize(("shown", "expected"), [(0, ["bird"]), (12, ["bird", "raccoon"])])
def test_a_class_that_too_few_photos_show_has_none(two_classes, shown, expected) -> None:
    assert list(fit_class_count_models(two_classes(60, 1, shown), 0.2, CONFIG)) == expected


def test_photos_of_one_group_count_as_the_few_that_they_are(two_classes) -> None:
    flat = two_classes(60, 1, 12)
    flat.photos.loc[:11, "group"] = "one visit"  # all photos that show the second class
    assert list(fit_class_count_models(flat, 0.2, CONFIG)) == ["bird"]


def test_each_is_fitted_on_its_own_detections_and_truths(two_classes, simulated_photos) -> None:
    models = fit_class_count_models(two_classes(200, 1), 0.2, CONFIG)
    alone = [flatten(*simulated_photos(200, seed), ["bird"]) for seed in (1, 1001)]
    assert list(models.values()) == [fit_count_model(flat, 0.2, CONFIG) for flat in alone]


def test_each_holds_its_coverage(two_classes) -> None:
    models = fit_class_count_models(two_classes(400, 1), 0.2, CONFIG)
    tested = two_classes(1500, 2)
    for label, model in enumerate(models.values(), 1):
        assert check_count_model(model, of_class(tested, label)).coverage == pytest.approx(
            0.9, abs=0.04
        )
