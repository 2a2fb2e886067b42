"""Two models at the same recall: what the newcomer's threshold has to be to find as many birds.

Whoever compares counts over the years wants the share of birds that is found to stay the same when
the model changes; a threshold copied from one model to another keeps nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sparrow.config import EvaluationConfig
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.matching import flatten, match
from sparrow.evaluation.metrics import precision, recall, threshold_for_recall


@dataclass(frozen=True)
class EqualRecall:
    """Champion and candidate on the same *validation* photos.

    Attributes:
        champion_version: number of the registered version compared with.
        recall: the champion's, at its own threshold, 0..1.
        champion_precision: at that threshold, 0..1.
        threshold: the candidate's highest threshold that reaches the recall; None where none does.
        precision: the candidate's at that threshold, 0..1; None likewise.
    """

    champion_version: int
    recall: float
    champion_precision: float
    threshold: float | None
    precision: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def at_equal_recall(
    held_out: Dataset,
    candidate: Mapping[str, Detections],
    champion: Mapping[str, Detections],
    champion_threshold: float,
    champion_version: int,
    class_names: Sequence[str],
    config: EvaluationConfig,
) -> EqualRecall:
    """Derive the candidate's threshold; recall and precision are pooled, at ``config.iou``.

    Args:
        held_out: validation photos; never test photos.
        candidate, champion: each model's detections in every photo, from ``config.min_score`` up.

    Raises:
        ValueError: see ``flatten``.
    """
    found, right = _scores(held_out, champion, champion_threshold, class_names, config)
    threshold = threshold_for_recall(held_out, candidate, class_names, found, config)
    if threshold is None:
        return EqualRecall(champion_version, found, right, None, None)
    reached = _scores(held_out, candidate, threshold, class_names, config)[1]
    return EqualRecall(champion_version, found, right, threshold, reached)


def operating_threshold(best: float, equal: EqualRecall | None, config: EvaluationConfig) -> float:
    """The threshold a model serves with, as ``config.operating_point`` wants it.

    Args:
        best: where F-beta is best.
        equal: None where there is no champion; ``best`` holds then, and where the champion's
            recall is never reached.
    """
    if config.operating_point == "f_beta" or equal is None or equal.threshold is None:
        return best
    return equal.threshold


def _scores(
    dataset: Dataset,
    predictions: Mapping[str, Detections],
    threshold: float,
    class_names: Sequence[str],
    config: EvaluationConfig,
) -> tuple[float, float]:
    """(recall, precision)."""
    pool = flatten(dataset, predictions, class_names)
    kept = pool.above(threshold)
    tp = int((kept & (match(pool, [config.iou])[0] >= 0)).sum())
    fp, fn = int(kept.sum()) - tp, len(pool.truth_label) - tp
    return float(recall(tp, fn)), float(precision(tp, fp, fn))
