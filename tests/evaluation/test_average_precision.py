"""The weighted AP against photos really repeated, and against pycocotools' number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.average_precision import (
    average_precision,
    class_average_precision,
    resampled_ap,
)
from sparrow.evaluation.coco import COCO_IOUS, coco_scores
from sparrow.evaluation.matching import flatten, match

NAMES = ["c1", "c2", "c3"]


def test_of_the_set_itself_it_is_pycocotools_number(random_case):
    for seed in range(100):
        dataset, predictions = random_case(seed)
        pool = flatten(dataset, predictions, NAMES)
        matches = match(pool, COCO_IOUS.tolist())
        photos = np.arange(len(pool.photos))
        own = coco_scores(pool)
        ap = class_average_precision(pool, matches, photos, np.ones((3, len(photos))))
        resampled = resampled_ap(ap, own)  # raises where they differ
        assert resampled["ap50_95"] == pytest.approx([own["ap50_95"]] * 2, abs=1e-9, nan_ok=True)
        if own["ap50"] > 0:
            with pytest.raises(ArithmeticError, match="ap50: pycocotools says"):
                resampled_ap(ap, {**own, "ap50": own["ap50"] - 1e-6})


def test_weights_equal_photos_repeated(random_case):
    for seed in range(25):
        dataset, predictions = random_case(seed)
        predictions = _without_ties(predictions)  # copies would come in another order
        times = np.random.default_rng(seed).integers(0, 4, len(dataset.images))
        if not times.sum():
            continue
        repeated, again = _repeat(dataset, predictions, times)
        pool = flatten(dataset, predictions, NAMES)
        photos = np.arange(len(times))
        matches = match(pool, COCO_IOUS.tolist())
        weighted = average_precision(pool, matches, photos, times[None].astype(float))[0]
        pool = flatten(repeated, again, NAMES)
        matches = match(pool, COCO_IOUS.tolist())
        ones = np.ones((1, len(pool.photos)))
        plain = average_precision(pool, matches, np.arange(len(pool.photos)), ones)[0]
        assert weighted == pytest.approx(plain, abs=1e-9, nan_ok=True), seed


def _without_ties(predictions: dict[str, Detections]) -> dict[str, Detections]:
    rng = np.random.default_rng(0)
    return {
        image: Detections(one.boxes_xyxy, rng.random(len(one)), one.labels)
        for image, one in predictions.items()
    }


def _repeat(
    dataset: Dataset, predictions: dict[str, Detections], times: np.ndarray
) -> tuple[Dataset, dict[str, Detections]]:
    images, boxes, again = [], [], {}
    for (_, row), count in zip(dataset.images.iterrows(), times, strict=True):
        for copy in range(count):
            name = f"{copy}-{row['image']}"
            images.append({**row, "image": name})
            boxes.append(dataset.boxes[dataset.boxes["image"] == row["image"]].assign(image=name))
            again[name] = predictions[row["image"]]
    return Dataset(dataset.root, pd.DataFrame(images), pd.concat(boxes)), again
