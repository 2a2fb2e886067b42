"""Which detection matches which true box: greedy by score, one-to-one, per photo and class.

The rule is COCO's (pycocotools ``evaluateImg``): detections are matched by falling score, each to
the free true box of its class that it overlaps best, at IoU >= t. A detection cannot change the
matches of those with higher scores, so a cut at any score threshold keeps the matches above it: one
matching serves every threshold.

``flatten`` makes one ``FlatDetections`` of a set of photos and a model's detections in them; all
that is measured on them takes it, and each IoU is matched once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.boxes import box_areas, box_iou
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_PAIR_IOU = 0.1  # a detection and a true box that overlap less are unrelated


@dataclass(frozen=True, eq=False)
class FlatDetections:
    """All detections and all true boxes of a set of photos as flat arrays, photo by photo.

    Attributes:
        photos: the data set's table, one row per photo.
        class_names: labels are 1-based indexes into it.
        detection_photo, detection_label, detection_score, detection_area_px: [D]; within a photo
            by falling score. Scores stay float32, so that a threshold cuts them here as it does in
            ``Detections.above``.
        truth_photo, truth_label, truth_area_px: [G].
        pair_detection, pair_truth, pair_iou: [P], every detection and true box of one photo, of
            any class, that overlap by ``MIN_PAIR_IOU`` or more.
    """

    photos: pd.DataFrame
    class_names: tuple[str, ...]
    detection_photo: Ints
    detection_label: Ints
    detection_score: NDArray[np.float32]
    detection_area_px: Floats
    truth_photo: Ints
    truth_label: Ints
    truth_area_px: Floats
    pair_detection: Ints
    pair_truth: Ints
    pair_iou: Floats
    _matched: dict[float, Ints] = field(default_factory=dict, init=False, repr=False)

    def matched(self, ious: Sequence[float]) -> Ints:
        """[T, D] index of the true box a detection matches at each IoU, -1 for none.

        Matched once for each IoU, however often it is asked for.

        Raises:
            ValueError: see ``match``.
        """
        if new := [iou for iou in dict.fromkeys(ious) if iou not in self._matched]:
            self._matched.update(zip(new, match(self, new), strict=True))
        return np.stack([self._matched[iou] for iou in ious])

    def matched_in(self, place: int, iou: float) -> Ints:
        """[d] for one photo's detections the number of its true box each matches, -1 for none."""
        matched = self.matched([iou])[0][self.detection_photo == place]
        first = np.searchsorted(self.truth_photo, place)
        return np.where(matched < 0, -1, matched - first)

    def right(self, iou: float) -> Bools:
        """[D] whether a detection matches a true box at this IoU."""
        return self.matched([iou])[0] >= 0

    def above(self, threshold: float) -> Bools:
        """[D] whether a detection's score reaches the threshold."""
        return self.detection_score >= np.float32(threshold)

    def per_photo(self, detections: Bools) -> Ints:
        """[photos] how many of the selected detections each photo has."""
        return np.bincount(self.detection_photo[detections], minlength=len(self.photos))

    def truths_per_photo(self) -> Ints:
        """[photos] how many true boxes each photo has."""
        return np.bincount(self.truth_photo, minlength=len(self.photos))


def flatten(
    dataset: Dataset, predictions: Mapping[str, Detections], class_names: Sequence[str]
) -> FlatDetections:
    """Flatten a data set and its predictions, and find the pairs that overlap.

    Raises:
        ValueError: no photos, a photo without a prediction (an empty ``Detections`` is one), a
            true or predicted label that is not among the class names.
    """
    images = tuple(dataset.images["image"])
    per_photo = _in_order(images, predictions)
    truth_photo, truth_label, truth_boxes = _truths(dataset, images, class_names)
    label = np.concatenate([photo.labels for photo in per_photo])
    _refuse_other_classes(label, class_names)
    boxes = np.concatenate([photo.boxes_xyxy for photo in per_photo]).astype(np.float64)
    sizes = np.array([len(photo) for photo in per_photo])
    return FlatDetections(
        dataset.images.reset_index(drop=True),
        tuple(class_names),
        np.repeat(np.arange(len(images)), sizes),
        label,
        np.concatenate([photo.scores for photo in per_photo]),
        box_areas(boxes).astype(np.float64),
        truth_photo,
        truth_label,
        box_areas(truth_boxes).astype(np.float64),
        *_pairs(boxes, sizes, truth_boxes, np.bincount(truth_photo, minlength=len(images))),
    )


def _refuse_other_classes(labels: Ints, class_names: Sequence[str]) -> None:
    if len(labels) and labels.max() > len(class_names):
        raise ValueError(
            f"expected labels of 1 to {len(class_names)} ({', '.join(class_names)}), "
            f"found {labels.max()}: these predictions come from a model with other classes"
        )


def _in_order(images: tuple[str, ...], predictions: Mapping[str, Detections]) -> list[Detections]:
    """The detections of every photo, in the order of the photos."""
    if not images:
        raise ValueError("expected at least one photo to evaluate on, found none")
    missing = [image for image in images if image not in predictions]
    if missing:
        raise ValueError(
            f"expected predictions for all {len(images)} photos, found none for {len(missing)}, "
            f"the first being {missing[0]}; a photo in which nothing was found needs an empty one"
        )
    return [predictions[image] for image in images]


def match(flat: FlatDetections, ious: Sequence[float], truth_ignored: Bools | None = None) -> Ints:
    """Match every detection at every IoU.

    Args:
        ious: T thresholds, each at least ``MIN_PAIR_IOU``.
        truth_ignored: [G] true boxes outside the range of sizes looked at; as with COCO, a
            detection takes one only when no other is free.

    Returns:
        [T, D] index of the true box a detection matches, -1 for none.

    Raises:
        ValueError: an IoU below ``MIN_PAIR_IOU``.
    """
    limits = np.minimum(np.asarray(ious, dtype=np.float64), 1 - 1e-10)[:, None]  # [T, 1]
    if limits.min() < MIN_PAIR_IOU:
        raise ValueError(f"expected IoU thresholds of {MIN_PAIR_IOU} and above, found {ious}")
    detection, truth, iou, rank = _candidates(flat, float(limits.min()), truth_ignored)
    matched = np.full((len(limits), len(flat.detection_label)), -1, dtype=np.int64)
    taken = np.zeros((len(limits), len(flat.truth_label)), dtype=bool)
    edges = np.flatnonzero(np.diff(rank, prepend=-1, append=rank.max(initial=0) + 1))
    for start, end in pairwise(edges):
        # One detection of every photo and class at a time: they cannot want the same true box.
        wanted, by = truth[start:end], detection[start:end]
        free = (iou[start:end] >= limits) & ~taken[:, wanted]  # [T, pairs]
        first = np.flatnonzero(np.diff(by, prepend=-1))
        place = np.where(free, np.arange(len(by)), -1)
        best = np.maximum.reduceat(place, first, axis=1)  # [T, detections]
        at, which = np.nonzero(best >= 0)
        chosen = wanted[best[at, which]]
        matched[at, by[first[which]]] = chosen
        taken[at, chosen] = True
    return matched


def _candidates(
    flat: FlatDetections, min_iou: float, truth_ignored: Bools | None
) -> tuple[Ints, Ints, Floats, Ints]:
    """Pairs of one class: detection, true box, IoU and ``_ranks``, in the order they are tried."""
    ignored = np.zeros(len(flat.truth_label), bool) if truth_ignored is None else truth_ignored
    usable = (flat.pair_iou >= min_iou) & (
        flat.detection_label[flat.pair_detection] == flat.truth_label[flat.pair_truth]
    )
    detection, truth = flat.pair_detection[usable], flat.pair_truth[usable]
    iou, rank = flat.pair_iou[usable], _ranks(flat, detection)
    # Last is best: within a detection the ignored come first, then by rising IoU.
    order = np.lexsort((truth, iou, ~ignored[truth], detection, rank))
    return detection[order], truth[order], iou[order], rank[order]


def _ranks(flat: FlatDetections, detection: Ints) -> Ints:
    """For each pair, how many better detections of its photo and class have pairs too."""
    contenders, back = np.unique(detection, return_inverse=True)
    cell = flat.detection_photo[contenders] * (len(flat.class_names) + 1)
    cell = cell + flat.detection_label[contenders]
    order = np.argsort(cell, kind="stable")  # flat order is score order within a photo
    rank = np.arange(len(order)) - np.searchsorted(cell[order], cell[order])
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = rank
    return ranks[back]


def _truths(
    dataset: Dataset, images: tuple[str, ...], class_names: Sequence[str]
) -> tuple[Ints, Ints, Floats]:
    table = dataset.boxes
    photo = pd.Index(images).get_indexer(pd.Index(table["image"]))
    label = pd.Index(class_names).get_indexer(pd.Index(table["label"])) + 1
    for codes, column, what in ((photo + 1, "image", "photo"), (label, "label", "class")):
        if (codes == 0).any():
            row = int(np.argmin(codes))
            raise ValueError(f"box in row {row}: {what} {table[column].iloc[row]!r} is not known")
    order = np.argsort(photo, kind="stable")
    boxes = table[XYXY].to_numpy(dtype=np.float64).reshape(-1, 4)
    return photo[order].astype(np.int64), label[order].astype(np.int64), boxes[order]


def _pairs(boxes: Floats, sizes: Ints, truths: Floats, counts: Ints) -> tuple[Ints, Ints, Floats]:
    box_edges = np.concatenate([[0], np.cumsum(sizes)])
    truth_edges = np.concatenate([[0], np.cumsum(counts)])
    parts: list[tuple[Ints, Ints, Floats]] = []
    for photo in np.flatnonzero((sizes > 0) & (counts > 0)):
        d, g = box_edges[photo], truth_edges[photo]
        iou = box_iou(boxes[d : box_edges[photo + 1]], truths[g : truth_edges[photo + 1]])
        i, j = np.nonzero(iou >= MIN_PAIR_IOU)
        parts.append((i + d, j + g, iou[i, j].astype(np.float64)))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    detection, truth, overlap = (np.concatenate(column) for column in zip(*parts, strict=True))
    return detection, truth, overlap
