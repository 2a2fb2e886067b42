"""Tests of a gain in F-beta between two models on the same photos, by resampling whole groups.

Two tests must agree before a gain is significant:

- the bootstrap-t lower bound (Efron 1979; Davison & Hinkley 1997, section 5.2.1): plain
  percentile bounds are too short with few groups, so each resample's gain is divided by its own
  standard error;
- a sign-flip test, exact when the models are interchangeable: how often would swapping the two
  models' answers at random, group by group, give as large a gain? It covers the case in which only
  a few photos differ, where any bootstrap is too narrow.

In simulation either alone, used at 5 %, promotes equal models in 5 to 7 % of the cases: counts per
photo are skewed and groups few. So they are used at ``CALIBRATION`` times the error allowed, which
keeps the nominal level (docs/gate-power.md: 1 to 3.5 %).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sparrow.evaluation.bootstrap import Interval
from sparrow.evaluation.matching import Floats

CALIBRATION = 0.7  # of 1 - confidence, for the one-sided tests of the gain; measured, see above
POWER = 0.8  # with which the minimum detectable effect is detected
FIRST, SECOND = np.triu_indices(4)


@dataclass(frozen=True)
class Gain:
    """Candidate minus champion in F-beta.

    Attributes:
        interval: two-sided, bootstrap-t.
        bound: one-sided lower bound, calibrated as the module says.
        standard_error: linearised; NaN like the bounds where there is one group.
    """

    interval: Interval
    bound: float
    standard_error: float


def fraction_parts(counts: Floats, beta: float) -> Floats:
    """tp, fp, fn [photos, 3] -> top and bottom of the F-beta fraction [photos, 2]."""
    top = (1 + beta**2) * counts[:, 0]
    return np.column_stack([top, top + beta**2 * counts[:, 2] + counts[:, 1]])


def f_beta_difference(sums: Floats) -> Floats:
    """[B, 4] summed tops and bottoms -> [B] candidate minus champion (0/0 is 1)."""
    tops, bottoms = sums[:, 0::2], sums[:, 1::2]
    scores = np.divide(tops, bottoms, out=np.ones_like(tops), where=bottoms > 0)
    return scores[:, 0] - scores[:, 1]


def standard_error(sums: Floats, products: Floats, n_groups: int) -> Floats:
    """[B] linearised (delta-method) standard error of the difference.

    A group's influence is linear in its four sums, so its variance is a quadratic form in their
    summed products [B, 10] and comes out of the same matrix product as the sums themselves.
    """
    tops, bottoms = sums[:, 0::2], np.maximum(sums[:, 1::2], 1e-12)
    score = tops / bottoms
    slope = np.column_stack(
        [
            1 / bottoms[:, 0],
            -score[:, 0] / bottoms[:, 0],
            -1 / bottoms[:, 1],
            score[:, 1] / bottoms[:, 1],
        ]
    )
    twice = np.where(FIRST == SECOND, 1, 2)
    variance = (products * slope[:, FIRST] * slope[:, SECOND] * twice).sum(axis=1)
    return np.sqrt(np.maximum(variance, 0) * n_groups / max(n_groups - 1, 1))


def bootstrap_t(sums: Floats, weights: Floats, confidence: float) -> Gain:
    """The gain with its bounds, from summed parts of groups [G, 4] and weights [B, G]."""
    products = sums[:, FIRST] * sums[:, SECOND]
    total = sums.sum(axis=0)[None]
    gain = float(f_beta_difference(total)[0])
    if not len(weights):
        return Gain(Interval(gain, math.nan, math.nan), math.nan, math.nan)
    error = float(standard_error(total, products.sum(axis=0)[None], len(sums))[0])
    resampled = weights @ sums
    resampled_error = standard_error(resampled, weights @ products, len(sums))
    # A resample in which the models never differ has no error: it informs only the
    # lower side of the gain.
    t = np.divide(
        f_beta_difference(resampled) - gain,
        resampled_error,
        out=np.zeros(len(resampled)),
        where=resampled_error > 1e-12,
    )
    level = 1 - CALIBRATION * (1 - confidence)
    high_t, two_low, two_high = np.quantile(t, [level, (1 - confidence) / 2, (1 + confidence) / 2])
    interval = Interval(gain, gain - float(two_high) * error, gain - float(two_low) * error)
    return Gain(interval, gain - float(high_t) * error, error)


def sign_flip(sums: Floats, samples: int, seed: int) -> float:
    """One-sided p-value: fraction of random swaps with a gain at least as large as the real one."""
    rng = np.random.default_rng([seed, 1])
    swapped = rng.random((samples, len(sums))) < 0.5
    resampled = sums.sum(axis=0) + swapped @ (sums[:, [2, 3, 0, 1]] - sums)
    gain = float(f_beta_difference(sums.sum(axis=0)[None])[0])
    return float(1 + (f_beta_difference(resampled) >= gain - 1e-12).sum()) / (samples + 1)


def minimum_detectable_effect(error: float, n_groups: int, confidence: float) -> float:
    """The true difference that a one-sided test at this standard error detects with ``POWER``."""
    if math.isnan(error) or n_groups < 2:
        return math.nan
    return error * (t_quantile(confidence, n_groups) + t_quantile(POWER, n_groups))


def t_quantile(probability: float, n_groups: int) -> float:
    """Student's t with n_groups - 1 degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(n_groups - 1, probability))
