"""``evaluate``: predictions and truth in, one ``Evaluation`` out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sparrow.config import EvaluationConfig
from sparrow.data.split.evidence import evidence_words
from sparrow.data.split.groups import GROUP, group_numbers
from sparrow.data.tables import UNKNOWN, Dataset
from sparrow.detections import Detections
from sparrow.evaluation.average_precision import resampled_ap
from sparrow.evaluation.bootstrap import (
    Interval,
    group_sums,
    percentile_interval,
    resample_weights,
)
from sparrow.evaluation.coco import COCO_IOUS, coco_scores
from sparrow.evaluation.errors import find_errors
from sparrow.evaluation.matching import Bools, FlatDetections, Floats, Ints, flatten, match
from sparrow.evaluation.metrics import f_beta, precision, recall, sweep
from sparrow.evaluation.slices import birds_slice, photo_traits, size_counts, slice_table


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model is worth on one set of photos at one threshold.

    Attributes:
        f_beta: the headline score with its interval.
        headline: ``f2_iou50``, ``f2_iou40`` … (from the config's beta and IoUs), ``precision``,
            ``recall`` (at the headline IoU), ``ap50``, ``ap50_95``, ``count_mae``, ``count_bias``
            (predicted minus true birds per photo), ``count_exact`` (share of photos),
            ``false_count_empty`` (birds seen per photo without any; NaN if there is none).
        details: numbers without interval: ``ar``, ``ap_small``, ``ar_small`` …; NaN where the set
            holds no such box.
        errors: how many detections are right, confused, doubled, misplaced, background; and how
            many birds were missed.
        per_photo: one row per photo: image, author, group (its name), n_true, n_predicted, tp, fp,
            fn at the headline IoU, the same by box size, the kinds of error, and the slices it
            belongs to.
        slices: see ``slices.slice_table``.
        curves: threshold, precision, recall, f_beta, thresholds falling (at most 400 rows).
        threshold, beta, iou, confidence: what it was measured with.
        n_photos, n_groups: size of the set; the bootstrap draws groups.
        data_version, split, seed: as given.
        evidence: what the numbers rest on and for whom they speak, in a sentence; "" in what older
            versions wrote.
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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values (NaN becomes null)."""
        plain = {k: v for k, v in vars(self).items() if isinstance(v, (int, float, str))}
        return {
            **plain,
            "f_beta": self.f_beta.to_list(),
            "headline": {name: one.to_list() for name, one in self.headline.items()},
            "details": {k: None if math.isnan(v) else v for k, v in self.details.items()},
            "errors": dict(self.errors),
            "per_photo": _columns(self.per_photo),
            "slices": _columns(self.slices),
            "curves": self.curves,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """The reverse of ``to_dict``."""
        details = {k: math.nan if v is None else v for k, v in values["details"].items()}
        slices = pd.DataFrame(values["slices"])
        numbers = slices.columns.drop("slice")
        whole = ["photos", "groups", "birds"]
        slices[numbers] = slices[numbers].astype(np.float64)
        return cls(
            **{
                **values,
                "f_beta": Interval.from_list(values["f_beta"]),
                "headline": {k: Interval.from_list(v) for k, v in values["headline"].items()},
                "details": details,
                "per_photo": pd.DataFrame(values["per_photo"]),
                "slices": slices.astype(dict.fromkeys(whole, np.int64)),
            }
        )


def evaluate(
    dataset: Dataset,
    predictions: Mapping[str, Detections],
    class_names: Sequence[str],
    threshold: float,
    config: EvaluationConfig,
    seed: int = 0,
    *,
    data_version: str = "",
    split: str = "",
) -> Evaluation:
    """Score predictions against the truth; the same input and seed give the same output.

    Args:
        dataset: split, or given groups by ``groups.with_groups``.
        predictions: for each photo all detections of ``config.min_score`` and above.
        class_names: labels are 1-based indexes into it.
        threshold: the operating threshold, chosen on other data than this.

    Raises:
        ValueError: see ``flatten`` and ``groups.group_numbers``.
    """
    pool = flatten(dataset, predictions, class_names)
    ious = (config.iou, *(iou for iou in config.also_iou if iou != config.iou))
    matches = match(pool, [*ious, *COCO_IOUS])
    kept = pool.above(threshold)
    groups = group_numbers(dataset.images)
    n_groups = int(groups.max()) + 1
    # One group alone cannot be resampled: no interval is better than one of width 0.
    samples = config.bootstrap_samples if n_groups > 1 else 0
    weights = resample_weights(n_groups, samples, seed)

    errors = find_errors(pool, kept, matches[0], config.iou)
    per_photo = _per_photo(dataset, pool, threshold, matches[0])
    per_photo = pd.concat([per_photo, errors.per_photo(pool)], axis=1)
    sums = _statistics(pool, per_photo, matches[: len(ious)] >= 0, threshold)
    numbers = _numbers(sums.sum(axis=0)[None], config.beta, ious)
    resampled = _numbers(weights @ group_sums(sums, groups), config.beta, ious)
    details = coco_scores(pool, matches[-10:])
    resampled |= resampled_ap(pool, matches[-10:], groups, weights, details)
    values = {name: float(value[0]) for name, value in numbers.items()}
    values |= {name: details.pop(name) for name in ("ap50", "ap50_95")}
    headline = {
        name: percentile_interval(value, resampled[name], config.confidence, n_groups)
        for name, value in values.items()
    }
    return Evaluation(
        f_beta=headline[score_name(config.beta, config.iou)],
        headline=headline,
        details=details,
        errors=errors.counts(),
        per_photo=per_photo,
        slices=slice_table(per_photo, weights, config.beta, config.confidence),
        curves=sweep(pool, matches[0] >= 0, config.beta).thinned(),
        threshold=float(threshold),
        beta=config.beta,
        iou=config.iou,
        confidence=config.confidence,
        n_photos=len(pool.images),
        n_groups=n_groups,
        data_version=data_version,
        split=split,
        seed=seed,
        evidence=evidence_words(dataset.images, f"{split} photos".strip()),
    )


def score_name(beta: float, iou: float) -> str:
    """``f2_iou50``: the key of an F-beta in ``Evaluation.headline``."""
    return f"f{beta:g}_iou{iou * 100:g}"


def _per_photo(
    dataset: Dataset, pool: FlatDetections, threshold: float, found: Ints
) -> pd.DataFrame:
    kept = pool.above(threshold)
    n_true, n_predicted = pool.truths_per_photo(), pool.per_photo(kept)
    tp = pool.per_photo(kept & (found >= 0))
    images = dataset.images.reset_index(drop=True)
    author = images["author"] if "author" in images else pd.Series(UNKNOWN, index=images.index)
    return pd.DataFrame(
        {
            "image": images["image"],
            "author": author.fillna(UNKNOWN),
            "group": images[GROUP],
            "n_true": n_true,
            "n_predicted": n_predicted,
            "tp": tp,
            "fp": n_predicted - tp,
            "fn": n_true - tp,
            **size_counts(pool, kept, found),
            "birds": birds_slice(n_true),
            **photo_traits(images),
        }
    )


def _statistics(
    pool: FlatDetections, per_photo: pd.DataFrame, right: Bools, threshold: float
) -> Floats:
    """[photos, 7 + IoUs]: what every headline number but AP is a function of when summed."""
    n_true = per_photo["n_true"].to_numpy(dtype=np.float64)
    n_predicted = per_photo["n_predicted"].to_numpy(dtype=np.float64)
    error, empty = n_predicted - n_true, n_true == 0
    kept = pool.above(threshold)
    columns = [
        np.ones(len(n_true)),
        n_true,
        n_predicted,
        np.abs(error),
        error == 0,
        empty,
        n_predicted * empty,
        *(pool.per_photo(kept & hits) for hits in right),
    ]
    return np.column_stack(columns).astype(np.float64)


def _numbers(sums: Floats, beta: float, ious: Sequence[float]) -> dict[str, Floats]:
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


def _columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """A table as JSON lists; NaN becomes null."""
    columns: dict[str, list[Any]] = {}
    for name in table.columns:
        values = table[name].tolist()
        columns[str(name)] = [None if isinstance(x, float) and math.isnan(x) else x for x in values]
    return columns
