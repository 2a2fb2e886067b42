"""The scores of each class of several: the headline numbers of its objects alone.

Matching is per class, so that each number is the headline's, computed from one class's detections
and true boxes. What a class cannot show is NaN, and not the 1 of an empty set: its recall and AP
without a true box, its precision where there is nothing to find and nothing found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sparrow.config import EvaluationConfig
from sparrow.evaluation.bootstrap import Interval, Resamples
from sparrow.evaluation.headline import headline_ious, numbers_of_sums, score_name, statistics
from sparrow.evaluation.matching import Bools, FlatDetections, Floats

# Where a model's description, and the report of a run, hold ``ClassScores.to_dict`` of each class.
CLASS_SCORES = "classes"
N_TRUE, N_PREDICTED = 1, 2  # columns of ``statistics``


@dataclass(frozen=True)
class ClassScores:
    """How well one class is found and counted.

    Attributes:
        name: of the class.
        objects: true boxes of it.
        photos: how many show it; ``groups``: of how many groups those are.
        scores: see ``Evaluation.headline``; counts are of this class, and ``false_count_empty`` is
            of photos without it. Intervals are widened for the groups that a number rests on: those
            that show the class, for count errors all.
    """

    name: str
    objects: int
    photos: int
    groups: int
    scores: dict[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values (NaN becomes null)."""
        scores = {name: number.to_list() for name, number in self.scores.items()}
        sizes = {"objects": self.objects, "photos": self.photos, "groups": self.groups}
        return {"name": self.name, **sizes, "scores": scores}


def score_classes(
    flat: FlatDetections,
    threshold: float,
    config: EvaluationConfig,
    resamples: Resamples,
    ap: Mapping[int, Floats],
) -> tuple[ClassScores, ...]:
    """The scores of every class in the model's order; empty for a single class.

    Args:
        ap: of ``average_precision.class_average_precision``, the set itself first.
    """
    if len(flat.class_names) < 2:
        return ()
    ious = headline_ious(config)
    kept, right = flat.above(threshold), flat.matched(ious) >= 0
    classes = []
    for label, name in enumerate(flat.class_names, 1):
        truths = flat.truth_label == label
        sums = statistics(flat, kept & (flat.detection_label == label), truths, right)
        numbers = _numbers(sums, config, resamples)
        if label in ap:
            numbers |= {"ap50": ap[label][:, 0], "ap50_95": ap[label].mean(axis=1)}
        else:
            numbers |= dict.fromkeys(("ap50", "ap50_95"), np.array([np.nan]))
        shown = sums[:, N_TRUE] > 0
        scores = _intervals(numbers, sums, config, resamples)
        groups = _groups(shown, resamples)
        classes.append(ClassScores(name, int(truths.sum()), int(shown.sum()), groups, scores))
    return tuple(classes)


def _numbers(sums: Floats, config: EvaluationConfig, resamples: Resamples) -> dict[str, Floats]:
    """[1 + samples] of each number: the set itself first. NaN where a class shows nothing."""
    total = np.concatenate([sums.sum(axis=0)[None], resamples.sums(sums)])
    numbers = numbers_of_sums(total, config.beta, headline_ious(config))
    without = total[:, N_TRUE] == 0
    empty = without & (total[:, N_PREDICTED] == 0)
    f_names = [score_name(config.beta, iou) for iou in headline_ious(config)]
    # Where the set has no true box of it, F-beta would speak of false detections alone.
    unknown = dict.fromkeys(f_names, empty | without[0])
    unknown |= {"precision": empty, "recall": without}
    for name, where in unknown.items():
        numbers[name] = np.where(where, np.nan, numbers[name])
    return numbers


def _intervals(
    numbers: Mapping[str, Floats], sums: Floats, config: EvaluationConfig, resamples: Resamples
) -> dict[str, Interval]:
    """Each number with its interval; none where the class is in fewer than two groups."""
    of_truths = _groups(sums[:, N_TRUE] > 0, resamples)
    of_boxes = _groups(sums[:, N_TRUE] + sums[:, N_PREDICTED] > 0, resamples)
    resting = {"recall": of_truths, "ap50": of_truths, "ap50_95": of_truths, "precision": of_boxes}
    resting |= {score_name(config.beta, iou): of_boxes for iou in headline_ious(config)}
    intervals = {}
    for name, values in numbers.items():
        n_groups = resting.get(name, resamples.n_groups)
        resampled = values[1:] if n_groups > 1 else values[:0]
        intervals[name] = resamples.interval(float(values[0]), resampled, n_groups)
    return intervals


def _groups(photos: Bools, resamples: Resamples) -> int:
    return len(np.unique(resamples.groups[photos]))
