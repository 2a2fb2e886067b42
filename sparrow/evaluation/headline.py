"""The headline numbers of an evaluation and their intervals, from sums over photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sparrow.config import EvaluationConfig
from sparrow.evaluation.average_precision import resampled_ap
from sparrow.evaluation.bootstrap import Interval, Resamples
from sparrow.evaluation.coco import coco_scores
from sparrow.evaluation.matching import Bools, FlatDetections, Floats
from sparrow.evaluation.metrics import f_beta, precision, recall


def score_name(beta: float, iou: float) -> str:
    """``f2_iou50``: the key of an F-beta in ``Evaluation.headline``."""
    return f"f{beta:g}_iou{iou * 100:g}"


def headline_ious(config: EvaluationConfig) -> list[float]:
    """The IoUs that F-beta is given at, the headline's first."""
    return [config.iou, *(iou for iou in config.also_iou if iou != config.iou)]


def headline_numbers(
    flat: FlatDetections,
    threshold: float,
    config: EvaluationConfig,
    resamples: Resamples,
    ap: Mapping[int, Floats],
) -> tuple[dict[str, Interval], dict[str, float]]:
    """Headline numbers with their intervals, and COCO's numbers without (see ``Evaluation``).

    Args:
        ap: of ``average_precision.class_average_precision``.
    """
    ious = headline_ious(config)
    every = np.ones(len(flat.truth_label), dtype=bool)
    sums = statistics(flat, flat.above(threshold), every, flat.matched(ious) >= 0)
    numbers = numbers_of_sums(sums.sum(axis=0)[None], config.beta, ious)
    resampled = numbers_of_sums(resamples.sums(sums), config.beta, ious)
    details = coco_scores(flat)
    resampled |= resampled_ap(ap, details)
    values = {name: float(value[0]) for name, value in numbers.items()}
    values |= {name: details.pop(name) for name in ("ap50", "ap50_95")}
    headline = {name: resamples.interval(value, resampled[name]) for name, value in values.items()}
    return headline, details


def statistics(flat: FlatDetections, kept: Bools, truths: Bools, right: Bools) -> Floats:
    """What every headline number but AP is a function of when summed.

    Args:
        kept: [D] the detections that count.
        truths: [G] the true boxes that count.
        right: [IoUs, D] detections that match.

    Returns:
        [photos, 7 + IoUs].
    """
    n_true = np.bincount(flat.truth_photo[truths], minlength=len(flat.photos))
    n_predicted = flat.per_photo(kept)
    error, empty = n_predicted - n_true, n_true == 0
    columns = [
        np.ones(len(n_true)),
        n_true,
        n_predicted,
        np.abs(error),
        error == 0,
        empty,
        n_predicted * empty,
        *(flat.per_photo(kept & hits) for hits in right),
    ]
    return np.column_stack(columns).astype(np.float64)


def numbers_of_sums(sums: Floats, beta: float, ious: Sequence[float]) -> dict[str, Floats]:
    """Headline numbers [B] from summed statistics [B, k]."""
    photos, n_true, n_predicted, error, exact, empty, false_empty = sums[:, :7].T
    tp = sums[:, 7:]
    numbers = {
        score_name(beta, iou): f_beta(hits, n_predicted - hits, n_true - hits, beta)
        for iou, hits in zip(ious, tp.T, strict=True)
    }
    main = tp[:, 0]
    numbers["precision"] = precision(main, n_predicted - main, n_true - main)
    numbers["recall"] = recall(main, n_true - main)
    numbers["count_mae"] = error / photos
    numbers["count_bias"] = (n_predicted - n_true) / photos
    numbers["count_exact"] = exact / photos
    numbers["false_count_empty"] = np.divide(
        false_empty, empty, out=np.full(len(sums), np.nan), where=empty > 0
    )
    return numbers
