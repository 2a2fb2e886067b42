"""Two models on the same photos: is the candidate better, and could these photos have shown it?

Both models err on the same hard photos, so the pair is compared photo by photo and whole groups
(``sparrow.data.split.groups``) are resampled together, by the tests of ``paired_tests``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sparrow.config import Config
from sparrow.data.split.groups import group_numbers
from sparrow.evaluation.bootstrap import Interval, Resamples, group_sums
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.matching import Bools, Floats, Ints
from sparrow.evaluation.paired_tests import (
    CALIBRATION,
    FIRST,
    SECOND,
    bootstrap_t,
    f_beta_difference,
    fraction_parts,
    minimum_detectable_effect,
    sign_flip,
    standard_error,
    t_quantile,
)
from sparrow.evaluation.slices import CLASS, COUNTS, EMPTY, slice_counts


@dataclass(frozen=True)
class SliceChange:
    """The candidate's F-beta minus the champion's within one slice.

    Attributes:
        change: the difference; ``low`` and ``high`` are one-sided bounds at the comparison's
            confidence each (linearised standard error, Student's t).
        minimum_detectable_effect: the smallest true difference that this slice's photos show with
            power 0.8.
    """

    name: str
    photos: int
    groups: int
    change: Interval
    minimum_detectable_effect: float


@dataclass(frozen=True)
class Comparison:
    """Candidate minus champion on the same photos.

    Attributes:
        gain: difference in F-beta with its two-sided interval (bootstrap-t).
        bound: one-sided lower bound of the gain, calibrated as ``paired_tests`` says.
        p_value: of the sign-flip test that the candidate is no better, one-sided.
        count_mae_change: difference in mean absolute count error (below 0 is better), two-sided.
        count_mae_bound: one-sided lower bound of it: above 0 the candidate counts worse.
        minimum_detectable_effect: the true gain this set shows with power 0.8.
        slices: see ``SliceChange``; slices of one group or without objects are left out.
        lone_classes: the classes among those left out.
        confidence: of every bound and interval here.
    """

    gain: Interval
    bound: float
    p_value: float
    count_mae_change: Interval
    count_mae_bound: float
    minimum_detectable_effect: float
    slices: tuple[SliceChange, ...]
    confidence: float
    n_photos: int
    n_groups: int
    lone_classes: tuple[str, ...] = ()

    @property
    def p_limit(self) -> float:
        """The largest p-value that is significant."""
        return CALIBRATION * (1 - self.confidence)

    @property
    def is_significant(self) -> bool:
        """Whether both tests agree, at the confidence, that the candidate is better."""
        return self.bound > 0 and self.p_value <= self.p_limit

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values (NaN and infinity become null)."""
        values = asdict(self)
        values["gain"] = self.gain.to_list()
        values["count_mae_change"] = self.count_mae_change.to_list()
        values["slices"] = [
            _finite({**asdict(s), "change": s.change.to_list()}) for s in self.slices
        ]
        return _finite(values)


def compare(
    candidate: Evaluation, champion: Evaluation, config: Config, seed: int = 0
) -> Comparison:
    """Compare two evaluations of the same photos; deterministic by seed.

    Uses ``config.evaluation.bootstrap_samples`` and ``config.promotion.confidence``.

    Raises:
        ValueError: other photos, other true boxes, another data version or split, or scores by
            another rule (beta, IoU): such numbers cannot be set against each other.
    """
    _check_same(candidate, champion)
    confidence, samples = config.promotion.confidence, config.evaluation.bootstrap_samples
    groups = group_numbers(candidate.per_photo)
    resamples = Resamples.draw(groups, samples, confidence, seed)
    both = [
        fraction_parts(model.per_photo[COUNTS].to_numpy(dtype=np.float64), model.beta)
        for model in (candidate, champion)
    ]
    sums = group_sums(np.concatenate(both, axis=1), groups)  # [groups, 4]
    gain = bootstrap_t(sums, resamples.weights, confidence)
    count_change, count_bound = _count_change(candidate, champion, resamples)
    level = 1 - CALIBRATION * (1 - confidence)
    slices = _slice_changes(candidate, champion, groups, confidence)
    return Comparison(
        gain=gain.interval,
        bound=gain.bound,
        p_value=sign_flip(sums, samples, seed),
        count_mae_change=count_change,
        count_mae_bound=count_bound,
        minimum_detectable_effect=minimum_detectable_effect(
            gain.standard_error, resamples.n_groups, level
        ),
        slices=slices,
        confidence=confidence,
        n_photos=len(groups),
        n_groups=resamples.n_groups,
        lone_classes=_lone_classes(candidate, champion, slices),
    )


def _check_same(candidate: Evaluation, champion: Evaluation) -> None:
    for name in ("data_version", "split", "beta", "iou", "n_photos"):
        new, old = getattr(candidate, name), getattr(champion, name)
        if new != old:
            raise ValueError(
                f"expected both models scored on the same photos by the same rule, found {name} "
                f"{new!r} for the candidate and {old!r} for the champion; score both now"
            )
    for column in ("image", "n_true", "group"):
        differs = (candidate.per_photo[column] != champion.per_photo[column]).to_numpy()
        if differs.any():
            row = int(np.argmax(differs))
            raise ValueError(
                f"expected both models scored on the same photos, but {column} of photo {row} is "
                f"{candidate.per_photo[column].iloc[row]!r} for the candidate and "
                f"{champion.per_photo[column].iloc[row]!r} for the champion; score both now"
            )


def _count_change(
    candidate: Evaluation, champion: Evaluation, resamples: Resamples
) -> tuple[Interval, float]:
    """Change of the mean absolute count error, and its one-sided lower bound."""
    errors = [
        (model.per_photo["n_predicted"] - model.per_photo["n_true"]).abs()
        for model in (candidate, champion)
    ]
    changes = (errors[0].astype(np.float64) - errors[1].astype(np.float64)).to_numpy()
    sums = resamples.sums(np.column_stack([changes, np.ones(len(changes))]))
    resampled = sums[:, 0] / sums[:, 1]
    interval = resamples.interval(float(changes.mean()), resampled)
    level = 1 - resamples.confidence
    bound = float(np.quantile(resampled, level)) if len(resampled) else math.nan
    return interval, bound


def _slice_changes(
    candidate: Evaluation, champion: Evaluation, groups: Ints, confidence: float
) -> tuple[SliceChange, ...]:
    new, old = slice_counts(candidate.per_photo), slice_counts(champion.per_photo)
    changes = []
    for name in [name for name in new if name in old and name != EMPTY]:
        inside = new[name][0] | old[name][0]
        if len(np.unique(groups[inside])) < 2:
            continue  # one group's photos cannot be resampled
        parts = [fraction_parts(slices[name][1], candidate.beta) for slices in (new, old)]
        sums = group_sums(np.concatenate(parts, axis=1), groups)
        changes.append(_slice_change(name, inside, groups, sums, confidence))
    return tuple(changes)


def _lone_classes(
    candidate: Evaluation, champion: Evaluation, compared: Sequence[SliceChange]
) -> tuple[str, ...]:
    both = [evaluation.classes for evaluation in (candidate, champion)]
    tested = [{scores.name for scores in classes if scores.objects} for classes in both]
    names = {change.name for change in compared}
    return tuple(sorted(n for n in tested[0] & tested[1] if f"{CLASS}{n}" not in names))


def _slice_change(
    name: str, inside: Bools, groups: Ints, sums: Floats, confidence: float
) -> SliceChange:
    n_groups = len(np.unique(groups[inside]))
    products = (sums[:, FIRST] * sums[:, SECOND]).sum(axis=0)[None]
    total = sums.sum(axis=0)[None]
    change = float(f_beta_difference(total)[0])
    error = float(standard_error(total, products, n_groups)[0])
    half_width = t_quantile(confidence, n_groups) * error
    return SliceChange(
        name,
        int(inside.sum()),
        n_groups,
        Interval(change, change - half_width, change + half_width),
        minimum_detectable_effect(error, n_groups, confidence),
    )


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
