"""Fitting the count model on validation photos.

With n photos the coverage of new ones varies by about sqrt(0.09 / n) at confidence 0.9: 4 % for 50,
3 % for 100, 1.5 % for 400 photos (docs/benchmarks.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sparrow.config import EvaluationConfig
from sparrow.data.split.groups import count_groups, group_numbers
from sparrow.evaluation.counting import CountModel
from sparrow.evaluation.matching import Bools, FlatDetections, Floats, Ints

FOLDS = 10
MIN_DETECTIONS = 20  # of right and of wrong ones each; with fewer no curve is fitted
SMALLEST_VARIANCE = 0.01  # objects²; no photo is beyond doubt


def fit_count_model(
    flat: FlatDetections,
    threshold: float,
    config: EvaluationConfig,
    max_objects: int | None = None,
) -> CountModel:
    """The count model of ``fit_with_needed``."""
    return fit_with_needed(flat, threshold, config, max_objects)[0]


def fit_with_needed(
    flat: FlatDetections,
    threshold: float,
    config: EvaluationConfig,
    max_objects: int | None = None,
) -> tuple[CountModel, Floats]:
    """Fit on *validation* photos, for ``config.count_confidence`` and ``config.iou``.

    The curve is logistic, or isotonic where its cross-validated log loss is significantly lower.
    The conformal quantile is of photos that the curve in use was not fitted on (ten folds).

    Args:
        flat: with all detections of ``config.min_score`` and above; its photos have groups.
        threshold: the detector's operating threshold.
        max_objects: the most that the detector finds in a photo; None where that is not known.

    Returns:
        The count model, and [photos] the quantile that each photo needs of a curve that it was not
        fitted on.
    """
    right, groups = flat.right(config.iou), group_numbers(flat.photos)
    parts = _fold_parts(groups)
    blank = CountModel(
        threshold=threshold,
        confidence=config.count_confidence,
        method=_better_method(flat, right, parts),
        score_knots=(0.0,),
        probability_knots=(0.0,),
        base=0,
        scale=1,
        spread=(1, 0, 0),
        conformal_quantile=0,
        photos=len(groups),
        iou=config.iou,
        max_objects=max_objects,
    )
    needed = _needed_by_fold(blank, flat, right, parts)
    quantile = _conformal_quantile(needed, groups, config.count_confidence)
    every = np.ones(len(groups), dtype=bool)
    return replace(_fit(blank, flat, right, every), conformal_quantile=quantile), needed


def _needed_by_fold(
    blank: CountModel, flat: FlatDetections, right: Bools, parts: list[Bools]
) -> Floats:
    """[photos] quantile that each needs by the curve that it was not fitted on."""
    needed = np.empty(len(flat.photos))
    for inside in parts:
        held_out = ~inside if len(parts) > 1 else inside
        needed[held_out] = _needed_quantile(_fit(blank, flat, right, inside), flat)[held_out]
    return needed


def _fold_parts(groups: Ints) -> list[Bools]:
    """[photos] of each fold, which photos are fitted on; whole groups are held out."""
    folds = groups % min(FOLDS, count_groups(groups))
    parts = [folds != fold for fold in np.unique(folds)]
    return parts if len(parts) > 1 else [np.ones(len(folds), dtype=bool)]


def _conformal_quantile(needed: Floats, groups: Ints, confidence: float) -> float:
    # One more than there are is what makes the level hold for the next photo (Lei et al. 2018,
    # theorem 2); photos that err together count for fewer.
    number = effective_number(needed, groups)
    level = confidence * (number + 1) / number
    rank = min(int(np.ceil(len(needed) * level - 1e-9)), len(needed))
    return float(np.sort(needed)[rank - 1])


def effective_number(values: Floats, groups: Ints) -> float:
    """How many independent photos the photos are worth, 1 .. photos.

    The number of photos over Kish's design effect, with the correlation within groups from the
    analysis of variance of the values' ranks: 0 where a group's photos are as different as any, 1
    where they are alike.

    Args:
        values, groups: [photos].
    """
    from scipy.stats import rankdata

    sizes = np.bincount(groups)
    photos, n_groups = len(values), len(sizes)
    mean_size = float((sizes**2).sum()) / photos
    if n_groups == 1 or n_groups == photos:
        return float(n_groups)
    ranks = rankdata(values) - (photos + 1) / 2
    means = np.bincount(groups, ranks) / sizes
    between = float((sizes * means**2).sum()) / (n_groups - 1)
    within = float(((ranks - means[groups]) ** 2).sum()) / (photos - n_groups)
    size = (photos - mean_size) / (n_groups - 1)
    spread = between + (size - 1) * within
    alike = min(max((between - within) / spread, 0.0), 1.0) if spread > 0 else 0.0
    return photos / (1 + (mean_size - 1) * alike)


def _better_method(flat: FlatDetections, right: Bools, parts: list[Bools]) -> str:
    if len(parts) == 1:
        return "logistic"  # two parameters: the one that cannot overfit
    losses = {}
    for method in ("isotonic", "logistic"):
        probability = np.empty(len(right))
        for inside in parts:
            scores, outcomes = _inside(flat, right, inside)
            knots, probabilities = _curve(method, scores, outcomes)[1:]
            outside = ~inside[flat.detection_photo]
            probability[outside] = np.interp(flat.detection_score[outside], knots, probabilities)
        probability = probability.clip(1e-3, 1 - 1e-3)
        losses[method] = -np.log(np.where(right, probability, 1 - probability))
    # The simpler curve unless the other is better by more than one standard error of the
    # difference, summed over photos (Breiman et al. 1984, section 3.4.3): with few photos an
    # isotonic curve follows every one of them.
    gain = np.bincount(
        flat.detection_photo, losses["logistic"] - losses["isotonic"], len(flat.photos)
    )
    return "isotonic" if gain.sum() > gain.std() * np.sqrt(len(gain)) else "logistic"


def _fit(blank: CountModel, flat: FlatDetections, right: Bools, inside: Bools) -> CountModel:
    """Curve and moments of some photos."""
    return _fit_moments(_fit_curve(blank, flat, right, inside), flat, inside)


def _fit_curve(blank: CountModel, flat: FlatDetections, right: Bools, inside: Bools) -> CountModel:
    method, knots, probabilities = _curve(blank.method, *_inside(flat, right, inside))
    return replace(
        blank,
        method=method,
        score_knots=tuple(knots.tolist()),
        probability_knots=tuple(probabilities.tolist()),
    )


def _inside(flat: FlatDetections, right: Bools, inside: Bools) -> tuple[Floats, Bools]:
    chosen = inside[flat.detection_photo]
    return flat.detection_score[chosen].astype(np.float64), right[chosen]


def _curve(method: str, scores: Floats, right: Bools) -> tuple[str, Floats, Floats]:
    """(method used, score knots, probability knots)."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    if min(right.sum(), (~right).sum()) < MIN_DETECTIONS:
        # Laplace's rule: two more detections, one right and one wrong.
        return "constant", np.zeros(1), np.array([(right.sum() + 1) / (len(right) + 2)])
    if method == "isotonic":
        isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        isotonic.fit(scores, right.astype(np.float64))
        return method, isotonic.X_thresholds_, isotonic.y_thresholds_
    knots = np.linspace(0.005, 0.995, 199)
    logistic = LogisticRegression(C=1e3).fit(_logit(scores), right)
    probabilities = logistic.predict_proba(_logit(knots))[:, 1]
    return method, knots, np.maximum.accumulate(probabilities)


def _logit(scores: Floats) -> Floats:
    inside = scores.clip(1e-3, 1 - 1e-3)
    return np.log(inside / (1 - inside))[:, None]


def _fit_moments(model: CountModel, flat: FlatDetections, inside: Bools) -> CountModel:
    """Expected count and variance as non-negative linear functions of the photo's sums."""
    from scipy.optimize import nnls

    probabilities, variances = _sums(model, flat)
    probabilities, variances = probabilities[inside], variances[inside]
    true = flat.truths_per_photo()[inside].astype(np.float64)
    weight = 1 / np.sqrt(0.25 + probabilities)  # counts of many objects err by more
    terms = np.column_stack([np.ones(len(true)), probabilities])
    (base, scale), _ = nnls(terms * weight[:, None], true * weight)
    expected = base + scale * probabilities
    terms = np.column_stack([np.ones(len(true)), variances, expected])
    weight = 1 / (0.25 + variances + 0.1 * expected)  # squared errors scatter as their mean
    spread, _ = nnls(terms * weight[:, None], (true - expected) ** 2 * weight)
    fixed, binomial, relative = (float(x) for x in spread)
    return replace(
        model,
        base=float(base),
        scale=float(scale),
        spread=(max(fixed, SMALLEST_VARIANCE), binomial, relative),
    )


def _needed_quantile(model: CountModel, flat: FlatDetections) -> Floats:
    """[photos] smallest quantile whose interval holds the true count.

    0 where the count is exact, and where it is a minimum and there are more.
    """
    expected, deviation = model.moments(*_sums(model, flat))
    true = flat.truths_per_photo()
    count = flat.per_photo(flat.above(model.threshold))
    off = np.where(true > count, true - expected, expected - true) / deviation
    held = (true == count) | (model.is_minimum(count) & (true > count))
    return np.where(held, 0.0, off.clip(min=0))


def _sums(model: CountModel, flat: FlatDetections) -> tuple[Floats, Floats]:
    """[photos] sums of p and of p(1-p)."""
    p, photo = model.probability(flat.detection_score), flat.detection_photo
    photos = len(flat.photos)
    return (
        np.bincount(photo, p, photos).astype(np.float64),
        np.bincount(photo, p * (1 - p), photos).astype(np.float64),
    )
