"""Simulated pairs of detectors whose true difference is known: what can a test set show?

A bird is found when a model's own noise beats the bird's difficulty, which both models share (so
do photos and authors: a dark photo is dark for both). False birds come partly from the scene,
where both models see them, and partly from each model alone. The candidate's skill is solved for,
so that its F-beta over endless photos exceeds the champion's by exactly the gain asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sparrow.evaluation.bootstrap import Interval
from sparrow.evaluation.evaluate import Evaluation, score_name
from sparrow.evaluation.matching import Floats, Ints
from sparrow.evaluation.metrics import f_beta
from sparrow.evaluation.slices import birds_slice

BETA, IOU = 2.0, 0.5
AUTHOR_SD, PHOTO_SD, BIRD_SD = 0.5, 0.8, 1.2  # of difficulty, in units of the logistic noise
EMPTY_SHARE, MEAN_MORE_BIRDS = 0.1, 2.0  # photos without birds; birds beyond the first
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Truth:
    """The world both models look at.

    Attributes:
        group, n_true: [photos].
        photo, size, difficulty: [birds].
        clutter: [photos] false birds per photo relative to the mean.
    """

    group: Ints
    n_true: Ints
    photo: Ints
    size: Ints
    difficulty: Floats
    clutter: Floats


def draw_truth(photos: int, rng: np.random.Generator) -> Truth:
    """Photos by authors who took one to several each, with none to many birds."""
    group = np.cumsum(rng.random(photos) < 0.6) - 1  # 1.7 photos per author
    group = group - group.min()
    n_true = np.where(
        rng.random(photos) < EMPTY_SHARE, 0, 1 + rng.negative_binomial(1, 1 / 3, photos)
    )
    photo = np.repeat(np.arange(photos), n_true)
    scene = rng.normal(0, AUTHOR_SD, photos)[group] + rng.normal(0, PHOTO_SD, photos)
    difficulty = scene[photo] + rng.normal(0, BIRD_SD, len(photo))
    clutter = np.exp(0.5 * scene - 0.125 * (AUTHOR_SD**2 + PHOTO_SD**2))
    return Truth(group, n_true, photo, rng.integers(0, 3, len(photo)), difficulty, clutter)


def simulate_pair(
    photos: int,
    gain: float,
    seed: int,
    *,
    champion_f_beta: float = 0.8,
    false_per_photo: tuple[float, float] = (0.4, 0.4),
) -> tuple[Evaluation, Evaluation]:
    """(candidate, champion) on the same simulated photos.

    Args:
        gain: the candidate's true F2 minus the champion's; both stay below 1.
        false_per_photo: mean false birds per photo of candidate and champion; when they differ,
            the models are equally good in different ways.
    """
    rng = np.random.default_rng(seed)
    truth = draw_truth(photos, rng)
    shared = rng.poisson(0.5 * min(false_per_photo) * truth.clutter)
    evaluations = []
    for score, rate in zip((champion_f_beta + gain, champion_f_beta), false_per_photo, strict=True):
        found = rng.random(len(truth.difficulty)) < _sigmoid(_skill(score, rate) - truth.difficulty)
        own = rng.poisson((rate - 0.5 * min(false_per_photo)) * truth.clutter)
        evaluations.append(_evaluation(truth, found, shared + own, seed))
    return evaluations[0], evaluations[1]


def _skill(score: float, false_per_photo: float) -> float:
    """The skill at which pooled F-beta over endless photos equals ``score`` (bisection)."""
    sd = math.sqrt(AUTHOR_SD**2 + PHOTO_SD**2 + BIRD_SD**2)
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(60)
    birds = (1 - EMPTY_SHARE) * (1 + MEAN_MORE_BIRDS)  # per photo
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        share = float(_sigmoid(middle - sd * nodes) @ node_weights / node_weights.sum())
        reached = f_beta(share * birds, false_per_photo, (1 - share) * birds, BETA)
        low, high = (middle, high) if reached < score else (low, middle)
    return (low + high) / 2


def _evaluation(truth: Truth, found: np.ndarray, false: Ints, seed: int) -> Evaluation:
    photos = len(truth.n_true)
    rng = np.random.default_rng(seed)  # traits are the world's: the same for both models
    columns: dict[str, np.ndarray | list[str]] = {}
    false_size = rng.integers(0, 3, photos)
    for number, size in enumerate(SIZES):
        of_size = truth.size == number
        columns[f"tp_{size}"] = np.bincount(truth.photo[of_size & found], minlength=photos)
        columns[f"fp_{size}"] = false * (false_size == number)
        columns[f"fn_{size}"] = np.bincount(truth.photo[of_size & ~found], minlength=photos)
    tp = np.bincount(truth.photo[found], minlength=photos)
    per_photo = pd.DataFrame(
        {
            "image": [f"{number}.jpg" for number in range(photos)],
            "author": [f"author {number}" for number in truth.group],
            "group": truth.group,
            "n_true": truth.n_true,
            "n_predicted": tp + false,
            "tp": tp,
            "fp": false,
            "fn": truth.n_true - tp,
            **columns,
            "birds": birds_slice(truth.n_true),
            "dark": rng.random(photos) < 0.2,
            "blurred": rng.random(photos) < 0.2,
        }
    )
    value = float(f_beta(tp.sum(), false.sum(), (truth.n_true - tp).sum(), BETA))
    score = Interval(value, math.nan, math.nan)
    empty = truth.n_true == 0
    false_empty = float(false[empty].mean()) if empty.any() else math.nan
    return Evaluation(
        f_beta=score,
        headline={
            score_name(BETA, IOU): score,
            "false_count_empty": Interval(false_empty, math.nan, math.nan),
        },
        details={},
        errors={},
        per_photo=per_photo,
        slices=pd.DataFrame({"slice": []}),
        curves={},
        threshold=0.5,
        beta=BETA,
        iou=IOU,
        confidence=0.95,
        n_photos=photos,
        n_groups=int(truth.group.max()) + 1,
        data_version=f"simulated {seed}",
        split="test",
        seed=seed,
    )


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
