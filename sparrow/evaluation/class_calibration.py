"""Fitting a count model for each class of a model that has several, on validation photos.

Each is fitted on the class's own detections and true boxes in all photos, as the count of all
classes together is in ``calibration``. Its interval holds in the fraction of photos that the
confidence says, those without the class included, and by itself: that the intervals of all classes
hold in one photo is less likely.
"""

from __future__ import annotations

import math

import numpy as np

from sparrow.config import EvaluationConfig
from sparrow.data.split.groups import group_numbers
from sparrow.evaluation.calibration import effective_number, fit_with_needed
from sparrow.evaluation.counting import CountModel
from sparrow.evaluation.matching import FlatDetections, Floats


def fit_class_count_models(
    flat: FlatDetections,
    threshold: float,
    config: EvaluationConfig,
    max_objects: int | None = None,
) -> dict[str, CountModel]:
    """Fit one for each class that enough photos show; a model of one class needs none.

    A class that fewer than ``least_photos`` independent photos show has no interval: what the
    detector does where the class is to be seen would be a guess, however many photos lack it.

    Args:
        flat: as for ``fit_count_model``.
        threshold: the detector's operating threshold.
        max_objects: the most that the detector finds in a photo, of all classes together. Where it
            cut a photo's other classes, the class itself counts as whole here, which can only
            widen its interval.

    Returns:
        By class name, in the order of ``flat.class_names``.
    """
    if len(flat.class_names) == 1:
        return {}
    models = {}
    for label, name in enumerate(flat.class_names, 1):
        own = of_class(flat, label)
        model, needed = fit_with_needed(own, threshold, config, max_objects)
        if _shown_in(own, needed) >= least_photos(config.count_confidence):
            models[name] = model
    return models


def _shown_in(own: FlatDetections, needed: Floats) -> float:
    """How many independent photos the photos that show a class are worth.

    Args:
        own: of the class alone.
        needed: [photos] see ``fit_with_needed``.
    """
    shown = own.truths_per_photo() > 0
    if not shown.any():
        return 0.0
    groups = np.unique(group_numbers(own.photos)[shown], return_inverse=True)[1]
    return effective_number(needed[shown], groups)


def least_photos(confidence: float) -> int:
    """Independent photos that a split-conformal interval takes: 9 at a confidence of 0.9.

    The interval reaches as far as the error of rank ``ceil((n + 1) * confidence)`` of n photos;
    with fewer there is no such rank, and no interval but one without end.
    """
    return max(math.ceil(confidence / (1 - confidence) - 1e-9), 1)


def of_class(flat: FlatDetections, label: int) -> FlatDetections:
    """The same photos with the detections and the true boxes of one class alone."""
    detections, truths = flat.detection_label == label, flat.truth_label == label
    pairs = detections[flat.pair_detection] & truths[flat.pair_truth]
    return FlatDetections(
        flat.photos,
        flat.class_names,
        flat.detection_photo[detections],
        flat.detection_label[detections],
        flat.detection_score[detections],
        flat.detection_area_px[detections],
        flat.truth_photo[truths],
        flat.truth_label[truths],
        flat.truth_area_px[truths],
        (np.cumsum(detections) - 1)[flat.pair_detection[pairs]],
        (np.cumsum(truths) - 1)[flat.pair_truth[pairs]],
        flat.pair_iou[pairs],
    )
