"""The confusion matrix: cells by hand, and pycocotools' own matching without classes."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sparrow.data.tables import XYXY
from sparrow.detections import Detections
from sparrow.evaluation.confusion import NOTHING, ClassPair, confusion_matrix
from sparrow.evaluation.matching import flatten

NAMES = ("goose", "raccoon")
NEAR, FAR, THIRD = (0, 0, 10, 10), (50, 0, 90, 40), (100, 0, 140, 40)


def matrix(make_dataset, boxes, predictions, threshold=0.5):
    return confusion_matrix(flatten(make_dataset(boxes), predictions, NAMES), threshold, 0.5)


def test_nothing_at_all(make_dataset):
    empty = matrix(make_dataset, {"a.jpg": []}, {"a.jpg": Detections.empty()})
    assert empty.counts.tolist() == [[0] * 3] * 3
    assert empty.pairs() == []


def test_every_cell(make_dataset, found):
    boxes = {
        "a.jpg": [("goose", *NEAR), ("goose", *FAR), ("raccoon", *THIRD)],
        "b.jpg": [("raccoon", *NEAR)],
    }
    predictions = {
        # A goose found, one taken for a raccoon, the raccoon missed: its box is too unsure.
        "a.jpg": found((1, 0.9, *NEAR), (2, 0.8, *FAR), (2, 0.3, *THIRD)),
        # The raccoon found, and found again: the second box overlaps nothing that is free.
        "b.jpg": found((2, 0.9, *NEAR), (2, 0.8, *NEAR), (1, 0.7, *FAR)),
    }
    confusion = matrix(make_dataset, boxes, predictions)
    assert confusion.names() == (*NAMES, NOTHING)
    assert confusion.counts.tolist() == [
        [1, 1, 0],  # geese
        [0, 1, 1],  # raccoons
        [1, 1, 0],  # nothing: a goose that is none, and the raccoon once more
    ]
    assert confusion.pairs() == [ClassPair("goose", "raccoon", 1, 2)]


def test_the_surer_of_two_boxes_on_one_object_counts(make_dataset, found):
    """Class by class the goose is right; here the raccoon has taken its box."""
    predictions = {"a.jpg": found((1, 0.6, *NEAR), (2, 0.9, *NEAR))}
    confusion = matrix(make_dataset, {"a.jpg": [("goose", *NEAR)]}, predictions)
    assert confusion.counts.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_one_class_has_none(make_dataset, found):
    flat = flatten(make_dataset({"a.jpg": []}), {"a.jpg": Detections.empty()}, ["goose"])
    assert confusion_matrix(flat, 0.5, 0.5) is None


@pytest.mark.parametrize("threshold", [0.05, 0.5])
def test_pycocotools_without_classes_matches_the_same(random_case, threshold):
    names = ("c1", "c2", "c3")
    for seed in range(12):
        dataset, predictions = random_case(seed)
        predictions = _without_ties(predictions)  # pycocotools sorts them by class
        flat = flatten(dataset, predictions, names)
        ours = confusion_matrix(flat, threshold, 0.5)
        assert ours.counts.tolist() == _by_pycocotools(dataset, predictions, names, threshold), seed


def _without_ties(predictions):
    rng = np.random.default_rng(0)
    return {
        image: Detections(one.boxes_xyxy, rng.random(len(one)), one.labels)
        for image, one in predictions.items()
    }


def _by_pycocotools(dataset, predictions, names, threshold):
    """The same table from ``COCOeval.evaluateImg`` with ``useCats = 0``."""
    images = list(dataset.images["image"])
    truths, found = [], []
    for number, image in enumerate(images, 1):
        for _, row in dataset.boxes[dataset.boxes["image"] == image].iterrows():
            x1, y1, x2, y2 = map(float, row[XYXY])
            truths.append({
                "id": len(truths) + 1, "image_id": number, "iscrowd": 0,
                "category_id": names.index(row["label"]) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1),
            })  # fmt: skip
        photo = predictions[image].above(threshold)
        for label, score, box in zip(photo.labels, photo.scores, photo.boxes_xyxy, strict=True):
            x1, y1, x2, y2 = map(float, box)
            found.append({
                "id": len(found) + 1, "image_id": number, "category_id": int(label),
                "score": float(score), "iscrowd": 0,
                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1),
            })  # fmt: skip
    count = len(names)
    table = np.zeros((count + 1, count + 1), dtype=int)
    truth, detected = COCO(), COCO()
    for coco, rows in ((truth, truths), (detected, found)):
        coco.dataset = {
            "images": [{"id": number} for number, _ in enumerate(images, 1)],
            "categories": [{"id": number} for number, _ in enumerate(names, 1)],
            "annotations": rows,
        }
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
    evaluation = COCOeval(truth, detected, "bbox")
    evaluation.params.useCats, evaluation.params.maxDets = 0, [1000]
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.params.areaRng = [[0, 1e10]]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
    label = {row["id"]: row["category_id"] - 1 for row in truths}
    for photo in filter(None, evaluation.evalImgs):
        taken = photo["dtMatches"][0].astype(int)
        for id_, match in zip(photo["dtIds"], taken, strict=True):
            table[label[match] if match else count, found[id_ - 1]["category_id"] - 1] += 1
        for id_ in set(photo["gtIds"]) - set(taken.tolist()):
            table[label[id_], count] += 1
    return table.tolist()
