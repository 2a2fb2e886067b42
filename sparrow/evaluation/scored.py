"""What a model's detections and their evaluation travel in, from the pipeline to reports."""

from __future__ import annotations

from dataclasses import dataclass

from sparrow.detections import Detections
from sparrow.evaluation.count_check import CountCheck
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.matching import FlatDetections
from sparrow.image_statistics import ImageStatistics


@dataclass(frozen=True, eq=False)
class Predicted:
    """A model folder's detections in some photos.

    Attributes:
        detections: by photo name.
        latency_ms: median for one photo, from its file to its boxes, as the service counts: on one
            processor thread, ``at_once`` photos at the same time.
        at_once: as many as the service counts, or as this machine has processors.
        statistics: by photo name its image statistics, measured as the service measures them.
        out_of_distribution: by photo name, whether it is unlike those that the model learnt
            from; None where the model cannot tell.
    """

    detections: dict[str, Detections]
    latency_ms: float
    at_once: int
    statistics: dict[str, ImageStatistics]
    out_of_distribution: dict[str, bool] | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """A model folder evaluated on some photos.

    Attributes:
        evaluation: its scores.
        flat: the detections and true boxes they are computed from.
        detections: the same detections, by photo name.
        latency_ms, at_once, statistics: see ``Predicted``.
        count_check: coverage and calibration of its count model; None where it has none.
    """

    evaluation: Evaluation
    flat: FlatDetections
    detections: dict[str, Detections]
    latency_ms: float
    at_once: int
    statistics: dict[str, ImageStatistics]
    count_check: CountCheck | None
