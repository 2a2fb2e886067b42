"""Fitting the count model on validation photos, and checking on others that it keeps its word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sparrow.data.split.groups import count_groups, group_numbers
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.counting import CountModel
from sparrow.evaluation.matching import Bools, FlatDetections, Floats, Ints, flatten, match

FOLDS = 10
MIN_DETECTIONS = 20  # of right and of wrong ones each; with fewer no curve is fitted
SMALLEST_VARIANCE = 0.01  # birds²; no photo is beyond doubt
BINS = 15  # of equal width, as in Guo et al. 2017


@dataclass(frozen=True, eq=False)
class Reliability:
    """Attributes:
    chance, share, weight: [bins that hold any]: mean promised chance, share that was right,
        share of all detections.
    error: expected calibration error, the weighted mean of |chance - share|.
    """

    chance: Floats
    share: Floats
    weight: Floats
    error: float


@dataclass(frozen=True, eq=False)
class CountCheck:
    """How a count model does on photos it was not fitted on.

    Attributes:
        coverage: share of photos whose true count lies in the interval.
        mean_width: mean of high - low, in birds (0: a single number).
        exact: share of photos whose count is exact: no interval can cover less.
        mae, expected_mae: mean absolute error of the count and of the expected count.
        reliability: of the chances.
        photos: how many.
    """

    coverage: float
    mean_width: float
    exact: float
    mae: float
    expected_mae: float
    reliability: Reliability
    photos: int


def fit_count_model(
    dataset: Dataset,
    predictions: Mapping[str, Detections],
    class_names: Sequence[str],
    threshold: float,
    confidence: float,
    iou: float,
) -> CountModel:
    """Fit on *validation* photos.

    The chances follow a logistic curve, or an isotonic one where its cross-validated log loss is
    lower beyond chance. The interval's reach comes from photos that the curve in use was not fitted
    on (ten folds over groups), so that it is not too sure of itself. With n photos the share
    covered of new ones varies by about sqrt(0.09 / n) at confidence 0.9: 4 % for 50, 3 % for 100,
    1.5 % for 400 photos (docs/benchmarks.md).

    Args:
        dataset: split, or given groups by ``groups.with_groups``.
        predictions: all detections of the config's ``min_score`` and above.
        confidence: share of photos whose true count the interval is to hold, 0..1.
        iou: overlap at which a detection counts as a bird: the one that the scores use.

    Raises:
        ValueError: see ``flatten``.
    """
    pool = flatten(dataset, predictions, class_names)
    right = match(pool, [iou])[0] >= 0
    groups = group_numbers(dataset.images)
    n_groups = count_groups(groups)
    folds = groups % min(FOLDS, n_groups)
    parts = [folds != fold for fold in np.unique(folds)]
    if len(parts) == 1:
        parts = [np.ones(len(folds), dtype=bool)]  # one group: nothing to hold out
    method = _better_method(pool, right, parts)
    blank = CountModel(
        threshold, confidence, method, (0.0,), (0.0,), 0, 1, (1, 0, 0), 0, len(folds), iou
    )
    reaches = np.empty(len(folds))
    for inside in parts:
        model = _fit_moments(_fit_curve(blank, pool, right, inside), pool, inside)
        held_out = ~inside if len(parts) > 1 else inside
        reaches[held_out] = _needed_reach(model, pool)[held_out]
    everything = np.ones(len(folds), dtype=bool)
    model = _fit_moments(_fit_curve(blank, pool, right, everything), pool, everything)
    # One more than there are is what makes the promise hold for the next photo (Lei et al. 2018,
    # theorem 2); photos that err together are fewer than they seem.
    number = effective_number(reaches, groups)
    share = confidence * (number + 1) / number
    rank = min(int(np.ceil(len(reaches) * share - 1e-9)), len(reaches))
    return replace(model, reach=float(np.sort(reaches)[rank - 1]))


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


def check_count_model(
    model: CountModel,
    dataset: Dataset,
    predictions: Mapping[str, Detections],
    class_names: Sequence[str],
) -> CountCheck:
    """Measure coverage, width and calibration on other photos than it was fitted on.

    The chances are held against what they promise: a bird at the count model's own ``iou``.
    """
    pool = flatten(dataset, predictions, class_names)
    right = match(pool, [model.iou])[0] >= 0
    true = pool.truths_per_photo()
    estimates = [model.estimate(predictions[image]) for image in pool.images]
    count, low, high, expected = np.array(
        [(one.count, one.low, one.high, one.expected) for one in estimates]
    ).T
    return CountCheck(
        coverage=float(((low <= true) & (true <= high)).mean()),
        mean_width=float((high - low).mean()),
        exact=float((count == true).mean()),
        mae=float(np.abs(count - true).mean()),
        expected_mae=float(np.abs(expected - true).mean()),
        reliability=reliability(model.chance(pool.detection_score), right),
        photos=len(true),
    )


def reliability(chances: Floats, right: NDArray[np.bool_]) -> Reliability:
    """Promised against kept: [D] chances and whether each detection was a bird."""
    bins = np.minimum((chances * BINS).astype(np.int64), BINS - 1)
    sizes = np.bincount(bins, minlength=BINS)
    held = sizes > 0
    chance = np.bincount(bins, chances, minlength=BINS)[held] / sizes[held]
    share = np.bincount(bins, right, minlength=BINS)[held] / sizes[held]
    weight = sizes[held] / max(sizes.sum(), 1)
    return Reliability(chance, share, weight, float((weight * np.abs(chance - share)).sum()))


def _better_method(pool: FlatDetections, right: Bools, parts: list[Bools]) -> str:
    if len(parts) == 1:
        return "logistic"  # two parameters: the one that cannot overfit
    losses = {}
    for method in ("isotonic", "logistic"):
        chance = np.empty(len(right))
        for inside in parts:
            scores, outcomes = _chosen(pool, right, inside)
            knots, chances = _curve(method, scores, outcomes)[1:]
            outside = ~inside[pool.detection_photo]
            chance[outside] = np.interp(pool.detection_score[outside], knots, chances)
        chance = chance.clip(1e-3, 1 - 1e-3)
        losses[method] = -np.log(np.where(right, chance, 1 - chance))
    # The simpler curve unless the other is better by more than one standard error of the
    # difference, summed over photos (Breiman et al. 1984, section 3.4.3): with few photos an
    # isotonic curve follows every one of them.
    gain = np.bincount(
        pool.detection_photo, losses["logistic"] - losses["isotonic"], len(pool.images)
    )
    return "isotonic" if gain.sum() > gain.std() * np.sqrt(len(gain)) else "logistic"


def _fit_curve(blank: CountModel, pool: FlatDetections, right: Bools, inside: Bools) -> CountModel:
    method, knots, chances = _curve(blank.method, *_chosen(pool, right, inside))
    return replace(
        blank,
        method=method,
        score_knots=tuple(knots.tolist()),
        chance_knots=tuple(chances.tolist()),
    )


def _chosen(pool: FlatDetections, right: Bools, inside: Bools) -> tuple[Floats, Bools]:
    chosen = inside[pool.detection_photo]
    return pool.detection_score[chosen].astype(np.float64), right[chosen]


def _curve(method: str, scores: Floats, right: Bools) -> tuple[str, Floats, Floats]:
    """(method used, score knots, chance knots)."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    if min(right.sum(), (~right).sum()) < MIN_DETECTIONS:
        # Laplace's rule: two made-up detections, one right and one wrong.
        return "constant", np.zeros(1), np.array([(right.sum() + 1) / (len(right) + 2)])
    if method == "isotonic":
        isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        isotonic.fit(scores, right.astype(np.float64))
        return method, isotonic.X_thresholds_, isotonic.y_thresholds_
    knots = np.linspace(0.005, 0.995, 199)
    logistic = LogisticRegression(C=1e3).fit(_logit(scores), right)
    chances = logistic.predict_proba(_logit(knots))[:, 1]
    return method, knots, np.maximum.accumulate(chances)


def _logit(scores: Floats) -> Floats:
    inside = scores.clip(1e-3, 1 - 1e-3)
    return np.log(inside / (1 - inside))[:, None]


def _fit_moments(model: CountModel, pool: FlatDetections, inside: Bools) -> CountModel:
    """Expected count and variance as non-negative linear functions of the photo's sums."""
    from scipy.optimize import nnls

    chances, variances = _sums(model, pool)
    chances, variances = chances[inside], variances[inside]
    true = pool.truths_per_photo()[inside].astype(np.float64)
    weight = 1 / np.sqrt(0.25 + chances)  # a crowd's count errs by more birds
    terms = np.column_stack([np.ones(len(true)), chances])
    (base, scale), _ = nnls(terms * weight[:, None], true * weight)
    expected = base + scale * chances
    terms = np.column_stack([np.ones(len(true)), variances, expected])
    weight = 1 / (0.25 + variances + 0.1 * expected)  # squared errors scatter as their mean
    spread, _ = nnls(terms * weight[:, None], (true - expected) ** 2 * weight)
    fixed, drawn, relative = (float(x) for x in spread)
    return replace(
        model,
        base=float(base),
        scale=float(scale),
        spread=(max(fixed, SMALLEST_VARIANCE), drawn, relative),
    )


def _needed_reach(model: CountModel, pool: FlatDetections) -> Floats:
    """[photos] the smallest reach whose interval holds the true count; 0 if the count is exact."""
    expected, deviation = model.moments(*_sums(model, pool))
    true = pool.truths_per_photo()
    count = pool.per_photo(pool.above(model.threshold))
    off = np.where(true > count, true - expected, expected - true) / deviation
    return np.where(true == count, 0.0, off.clip(min=0))


def _sums(model: CountModel, pool: FlatDetections) -> tuple[Floats, Floats]:
    """[photos] sums of p and of p(1-p)."""
    chance = model.chance(pool.detection_score)
    photos = len(pool.images)
    return (
        np.bincount(pool.detection_photo, chance, photos).astype(np.float64),
        np.bincount(pool.detection_photo, chance * (1 - chance), photos).astype(np.float64),
    )
