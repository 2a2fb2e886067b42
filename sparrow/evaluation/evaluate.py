"""``evaluate``: detections and truth in, one ``Evaluation`` out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sparrow.config import EvaluationConfig
from sparrow.data.split.class_words import rare_classes
from sparrow.data.split.evidence import evidence_words
from sparrow.data.split.groups import GROUP, group_numbers
from sparrow.data.tables import UNKNOWN
from sparrow.evaluation.average_precision import class_average_precision
from sparrow.evaluation.bootstrap import Interval, Resamples
from sparrow.evaluation.class_scores import ClassScores, score_classes
from sparrow.evaluation.coco import COCO_IOUS
from sparrow.evaluation.confusion import Confusion, confusion_matrix
from sparrow.evaluation.errors import find_errors
from sparrow.evaluation.headline import headline_numbers, score_name
from sparrow.evaluation.matching import FlatDetections, Floats
from sparrow.evaluation.metrics import sweep
from sparrow.evaluation.slices import (
    class_counts,
    objects_slice,
    photo_traits,
    size_counts,
    slice_table,
)

# Of ``Evaluation.details``: photos whose count is a minimum. In the measures of the count they have
# as many objects as were found.
MINIMUM_COUNTS = "minimum_counts"
OUT_OF_DISTRIBUTION = "out_of_distribution"


@dataclass(frozen=True)
class PhotoSet:
    """Which photos are evaluated: the version of the data and the split ("" where not known)."""

    data_version: str = ""
    split: str = ""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of a model on one set of photos at one threshold.

    Attributes:
        f_beta: the headline score with its interval.
        headline: ``f2_iou50``, ``f2_iou40`` … (from the config's beta and IoUs), ``precision``,
            ``recall`` (at the headline IoU), ``ap50``, ``ap50_95``, ``count_mae``, ``count_bias``
            (predicted minus true objects per photo), ``count_exact`` (fraction of photos),
            ``false_count_empty`` (detections per photo without objects; NaN if there is none).
        details: numbers without interval: ``ar``, ``ap_small``, ``ar_small`` …; NaN where the set
            holds no such box; ``MINIMUM_COUNTS`` where the model says how many it can find, and
            ``OUT_OF_DISTRIBUTION`` where it can tell which photos are unlike those it learnt from.
        errors: how many detections are of each kind of ``errors.KINDS``; and how many objects are
            missed.
        per_photo: one row per photo: image, author, group (its name), n_true, n_predicted, tp, fp,
            fn at the headline IoU, the same by box size, the kinds of error, and the slices it
            belongs to.
        slices: see ``slices.slice_table``.
        curves: threshold, precision, recall, f_beta, thresholds falling (at most 400 rows).
        threshold, beta, iou, confidence: what it was measured with.
        n_photos, n_groups: size of the set; the bootstrap draws groups.
        data_version, split, seed: as given.
        evidence: what the numbers rest on and which photos they hold for, in a sentence.
        classes: the scores of each of several classes, in the model's order; empty for one class,
            whose scores the headline is.
        confusion: which class is taken for which; None for one class.
    """

    f_beta: Interval
    headline: dict[str, Interval]
    details: dict[str, float]
    errors: dict[str, int]
    per_photo: pd.DataFrame
    slices: pd.DataFrame
    curves: dict[str, list[float]]
    threshold: float
    beta: float
    iou: float
    confidence: float
    n_photos: int
    n_groups: int
    data_version: str
    split: str
    seed: int
    evidence: str = ""
    classes: tuple[ClassScores, ...] = ()
    confusion: Confusion | None = None

    @property
    def minimum_counts(self) -> int:
        """In how many photos the count is a minimum: as many as the model can find."""
        return int(self.details.get(MINIMUM_COUNTS, 0))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values (NaN becomes null)."""
        scalars = {k: v for k, v in vars(self).items() if isinstance(v, (int, float, str))}
        return {
            **scalars,
            "f_beta": self.f_beta.to_list(),
            "headline": {name: number.to_list() for name, number in self.headline.items()},
            "details": {k: None if math.isnan(v) else v for k, v in self.details.items()},
            "errors": dict(self.errors),
            "classes": [scores.to_dict() for scores in self.classes],
            "confusion": None if self.confusion is None else self.confusion.to_dict(),
            "per_photo": _columns(self.per_photo),
            "slices": _columns(self.slices),
            "curves": self.curves,
        }


def evaluate(
    flat: FlatDetections,
    threshold: float,
    config: EvaluationConfig,
    seed: int = 0,
    photo_set: PhotoSet = PhotoSet(),
) -> Evaluation:
    """Score predictions against the truth; the same input and seed give the same output.

    Args:
        flat: of ``flatten``, with all detections of ``config.min_score`` and above; its photos have
            groups (``groups.with_groups``).
        threshold: the operating threshold, chosen on other data than this.
        seed: of the bootstrap.

    Raises:
        ValueError: see ``groups.group_numbers``.
    """
    groups = group_numbers(flat.photos)
    resamples = Resamples.draw(groups, config.bootstrap_samples, config.confidence, seed)
    ap = _class_ap(flat, resamples)
    headline, details = headline_numbers(flat, threshold, config, resamples, ap)
    errors = find_errors(flat, flat.above(threshold), config.iou)
    per_photo = pd.concat([_per_photo(flat, threshold, config.iou), errors.per_photo(flat)], axis=1)
    return Evaluation(
        f_beta=headline[score_name(config.beta, config.iou)],
        headline=headline,
        details=details,
        errors=errors.counts(),
        per_photo=per_photo,
        slices=slice_table(per_photo, resamples, config.beta),
        curves=sweep(flat, flat.right(config.iou), config.beta).thinned(),
        threshold=float(threshold),
        beta=config.beta,
        iou=config.iou,
        confidence=config.confidence,
        n_photos=len(groups),
        n_groups=resamples.n_groups,
        data_version=photo_set.data_version,
        split=photo_set.split,
        seed=seed,
        evidence=evidence_words(flat.photos, f"{photo_set.split} photos".strip()) + _rare(flat),
        classes=score_classes(flat, threshold, config, resamples, ap),
        confusion=confusion_matrix(flat, threshold, config.iou),
    )


def _class_ap(flat: FlatDetections, resamples: Resamples) -> dict[int, Floats]:
    """AP of each class: of the set itself, and of every resample."""
    weights = np.concatenate([np.ones((1, resamples.n_groups)), resamples.weights])
    matches = flat.matched(COCO_IOUS.tolist())
    return class_average_precision(flat, matches, resamples.groups, weights)


def _rare(flat: FlatDetections) -> str:
    """Which of several classes are in too few groups of photos, in words."""
    labels = [flat.class_names[label - 1] for label in flat.truth_label]
    return rare_classes(labels, flat.photos[GROUP].iloc[flat.truth_photo])


def _per_photo(flat: FlatDetections, threshold: float, iou: float) -> pd.DataFrame:
    kept, matched = flat.above(threshold), flat.matched([iou])[0]
    n_true, n_predicted = flat.truths_per_photo(), flat.per_photo(kept)
    tp = flat.per_photo(kept & (matched >= 0))
    photos = flat.photos
    author = photos["author"] if "author" in photos else pd.Series(UNKNOWN, index=photos.index)
    return pd.DataFrame(
        {
            "image": photos["image"],
            "author": author.fillna(UNKNOWN),
            "group": photos[GROUP],
            "n_true": n_true,
            "n_predicted": n_predicted,
            "tp": tp,
            "fp": n_predicted - tp,
            "fn": n_true - tp,
            **size_counts(flat, kept, matched),
            **class_counts(flat, kept, matched),
            "objects": objects_slice(n_true),
            **photo_traits(photos),
        }
    )


def _columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """A table as JSON lists; NaN becomes null."""
    columns: dict[str, list[Any]] = {}
    for name in table.columns:
        values = table[name].tolist()
        columns[str(name)] = [None if isinstance(x, float) and math.isnan(x) else x for x in values]
    return columns
