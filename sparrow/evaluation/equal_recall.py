"""Two models at the same recall: the candidate's threshold at which it finds as many objects.

Counts of several years are comparable only if the fraction of objects that is found stays the same
when the model changes; a threshold copied from one model to another does not keep it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sparrow.config import EvaluationConfig
from sparrow.evaluation.matching import FlatDetections
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
    candidate: FlatDetections,
    champion: FlatDetections,
    champion_threshold: float,
    champion_version: int,
    config: EvaluationConfig,
) -> EqualRecall:
    """Derive the candidate's threshold; recall and precision are pooled, at ``config.iou``.

    Args:
        candidate, champion: each model's detections from ``config.min_score`` up, in the same
            validation photos; never in test photos.
    """
    champion_recall, champion_precision = _scores(champion, champion_threshold, config)
    threshold = threshold_for_recall(candidate, champion_recall, config)
    own_precision = None if threshold is None else _scores(candidate, threshold, config)[1]
    return EqualRecall(
        champion_version, champion_recall, champion_precision, threshold, own_precision
    )


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
    flat: FlatDetections, threshold: float, config: EvaluationConfig
) -> tuple[float, float]:
    """(recall, precision)."""
    kept = flat.above(threshold)
    tp = int((kept & flat.right(config.iou)).sum())
    fp, fn = int(kept.sum()) - tp, len(flat.truth_label) - tp
    return float(recall(tp, fn)), float(precision(tp, fp, fn))
