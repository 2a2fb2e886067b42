"""AP and AR against pycocotools from matching to mean."""

from __future__ import annotations

import contextlib
import io
import math

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sparrow.boxes import box_areas, xyxy_to_xywh
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.evaluation.coco import SIZE_RANGES_PX, coco_scores
from sparrow.evaluation.matching import flatten

NAMES = ["c1", "c2", "c3"]
UNLIMITED = 1000  # detections per photo; pycocotools' own limit is 100


def pycocotools_scores(dataset: Dataset, predictions: dict[str, Detections]) -> dict[str, float]:
    """What pycocotools says of a data set; NaN for its -1."""
    ids = {image: number for number, image in enumerate(dataset.images["image"], start=1)}
    truth = COCO()
    annotations = []
    for number, (image, label, *box) in enumerate(dataset.boxes[["image", "label", *XYXY]].values):
        annotations.append(
            {
                "id": number + 1,
                "image_id": ids[image],
                "category_id": NAMES.index(label) + 1,
                "bbox": xyxy_to_xywh([box])[0].tolist(),
                "area": float(box_areas([box])[0]),
                "iscrowd": 0,
            }
        )
    truth.dataset = {
        "images": [{"id": number} for number in ids.values()],
        "annotations": annotations,
        "categories": [{"id": number} for number in (1, 2, 3)],
        "info": {},
    }
    rows = [
        [ids[image], *box, score, label]
        for image, one in predictions.items()
        for box, score, label in zip(
            xyxy_to_xywh(one.boxes_xyxy), one.scores, one.labels, strict=True
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        results = truth.loadRes(np.array(rows, dtype=np.float64).reshape(-1, 7))
        judge = COCOeval(truth, results, "bbox")
        judge.params.maxDets = [UNLIMITED]
        judge.params.areaRng = [[0, 1e10], *map(list, SIZE_RANGES_PX.values())]
        judge.evaluate()
        judge.accumulate()
    ap, ar = judge.eval["precision"], judge.eval["recall"]  # [T, R, K, A, M], [T, K, A, M]
    scores = {"ap50": _mean(ap[0, :, :, 0]), "ap50_95": _mean(ap[..., 0, 0])}
    scores["ar"] = _mean(ar[:, :, 0])
    for place, size in enumerate(SIZE_RANGES_PX, start=1):
        scores[f"ap_{size}"] = _mean(ap[..., place, 0])
        scores[f"ar_{size}"] = _mean(ar[:, :, place])
    return scores


def own_scores(dataset: Dataset, predictions: dict[str, Detections]) -> dict[str, float]:
    pool = flatten(dataset, predictions, NAMES)
    return coco_scores(pool)


@pytest.mark.parametrize("first_seed", range(0, 500, 100))
def test_equals_pycocotools(random_case, first_seed):
    for seed in range(first_seed, first_seed + 100):
        dataset, predictions = random_case(seed)
        if not sum(map(len, predictions.values())):
            continue  # pycocotools cannot load an empty result
        expected = pycocotools_scores(dataset, predictions)
        actual = own_scores(dataset, predictions)
        assert actual.keys() == expected.keys()
        for name, value in expected.items():
            assert actual[name] == pytest.approx(value, abs=1e-9, nan_ok=True), (seed, name)


def test_no_truth_is_nan(make_dataset, found):
    scores = own_scores(make_dataset({"a.jpg": []}), {"a.jpg": found((1, 0.9, 0, 0, 5, 5))})
    assert all(math.isnan(value) for value in scores.values())


def test_no_detections_is_zero(make_dataset):
    dataset = make_dataset({"a.jpg": [("c1", 0.0, 0.0, 10.0, 10.0)]})
    scores = own_scores(dataset, {"a.jpg": Detections.empty()})
    assert (scores["ap50"], scores["ar"], scores["ap_small"]) == (0, 0, 0)


def _mean(values: np.ndarray) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else math.nan
