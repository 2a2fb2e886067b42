"""Simulated pairs of detectors of known difference, for tests and benchmarks alone.

They answer what a test set can show (docs/gate-power.md). An object is found when a model's own
noise beats the object's difficulty, which both models share (as photos and authors do: a dark photo
is dark for both). False detections are partly of the scene, where both models make them, and partly
of each model alone. The candidate's skill is solved for, so that its F-beta over endless photos
exceeds the champion's by exactly the gain asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from sparrow.data.split.groups import count_groups
from sparrow.data.tables import UNKNOWN
from sparrow.evaluation.bootstrap import Interval
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.headline import score_name
from sparrow.evaluation.matching import Floats, Ints
from sparrow.evaluation.metrics import f_beta
from sparrow.evaluation.slices import objects_slice

BETA, IOU = 2.0, 0.5
AUTHOR_SD, PHOTO_SD, OBJECT_SD = 0.5, 0.8, 1.2  # of difficulty, in units of the logistic noise
AFRESH = 0.1  # fraction of a burst's photos in which a model errs independently of the others
EMPTY_FRACTION, MEAN_MORE_OBJECTS = 0.1, 2.0  # photos without objects; objects beyond the first
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Truth:
    """The photos and objects that both models are scored on.

    Attributes:
        group, n_true: [photos].
        photo, size, difficulty: [objects].
        clutter: [photos] false objects per photo relative to the mean.
    """

    group: Ints
    n_true: Ints
    photo: Ints
    size: Ints
    difficulty: Floats
    clutter: Floats


def draw_truth(photos: int, rng: np.random.Generator, photos_per_author: float = 1 / 0.6) -> Truth:
    """Photos by authors who took one to several each, with none to many objects."""
    group = np.cumsum(rng.random(photos) < 1 / photos_per_author) - 1
    group = group - group.min()
    n_true = np.where(
        rng.random(photos) < EMPTY_FRACTION, 0, 1 + rng.negative_binomial(1, 1 / 3, photos)
    )
    photo = np.repeat(np.arange(photos), n_true)
    scene = rng.normal(0, AUTHOR_SD, photos)[group] + rng.normal(0, PHOTO_SD, photos)
    difficulty = scene[photo] + rng.normal(0, OBJECT_SD, len(photo))
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
        false_per_photo: mean false objects per photo of candidate and champion; when they differ,
            the models are equally good in different ways.
    """
    rng = np.random.default_rng(seed)
    truth = draw_truth(photos, rng)
    shared = rng.poisson(0.5 * min(false_per_photo) * truth.clutter)
    evaluations = []
    for score, rate in zip((champion_f_beta + gain, champion_f_beta), false_per_photo, strict=True):
        hits = rng.random(len(truth.difficulty)) < _sigmoid(_skill(score, rate) - truth.difficulty)
        own = rng.poisson((rate - 0.5 * min(false_per_photo)) * truth.clutter)
        evaluations.append(_evaluation(_per_photo(truth, hits, shared + own, seed), seed))
    return evaluations[0], evaluations[1]


def simulate_bursts(
    bursts: int, size: int, gain: float, seed: int, *, champion_f_beta: float = 0.8
) -> tuple[Evaluation, Evaluation]:
    """(candidate, champion) on bursts of near-identical photos, each burst of a scene of its own.

    Both models see in a photo what they saw in the others of its burst, but for one in ten, which
    each sees afresh. The authors are unknown; the column ``group`` holds the truth.

    Args:
        bursts, size: how many, of how many photos each.
        gain: as in ``simulate_pair``.
    """
    rng = np.random.default_rng([seed, size])
    truth = draw_truth(bursts, rng, photos_per_author=1.0)
    scene = np.repeat(np.arange(bursts), size)
    afresh = rng.random(len(scene)) < AFRESH
    rate = 0.4
    shared = rng.poisson(0.5 * rate * truth.clutter)
    evaluations = []
    for score in (champion_f_beta + gain, champion_f_beta):
        tables = []
        for _ in range(2):
            probability = _sigmoid(_skill(score, rate) - truth.difficulty)
            hits = rng.random(len(truth.difficulty)) < probability
            false = shared + rng.poisson(0.5 * rate * truth.clutter)
            tables.append(_per_photo(truth, hits, false, seed).iloc[scene].reset_index(drop=True))
        table = tables[0].where(pd.Series(~afresh), tables[1]).infer_objects()
        names = [f"{number:06d}.jpg" for number in range(len(scene))]
        evaluations.append(_evaluation(table.assign(image=names, author=UNKNOWN), seed))
    return evaluations[0], evaluations[1]


@cache
def _skill(score: float, false_per_photo: float) -> float:
    """The skill at which pooled F-beta over endless photos equals ``score`` (bisection)."""
    sd = math.sqrt(AUTHOR_SD**2 + PHOTO_SD**2 + OBJECT_SD**2)
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(60)
    objects = (1 - EMPTY_FRACTION) * (1 + MEAN_MORE_OBJECTS)  # per photo
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        fraction = float(_sigmoid(middle - sd * nodes) @ node_weights / node_weights.sum())
        reached = f_beta(fraction * objects, false_per_photo, (1 - fraction) * objects, BETA)
        low, high = (middle, high) if reached < score else (low, middle)
    return (low + high) / 2


def _per_photo(truth: Truth, hits: np.ndarray, false: Ints, seed: int) -> pd.DataFrame:
    photos = len(truth.n_true)
    rng = np.random.default_rng(seed)  # traits of photos: the same for both models
    columns: dict[str, np.ndarray | list[str]] = {}
    false_size = rng.integers(0, 3, photos)
    for number, size in enumerate(SIZES):
        of_size = truth.size == number
        columns[f"tp_{size}"] = np.bincount(truth.photo[of_size & hits], minlength=photos)
        columns[f"fp_{size}"] = false * (false_size == number)
        columns[f"fn_{size}"] = np.bincount(truth.photo[of_size & ~hits], minlength=photos)
    tp = np.bincount(truth.photo[hits], minlength=photos)
    return pd.DataFrame(
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
            "objects": objects_slice(truth.n_true),
            "dark": rng.random(photos) < 0.2,
            "blurred": rng.random(photos) < 0.2,
        }
    )


def _evaluation(per_photo: pd.DataFrame, seed: int) -> Evaluation:
    tp, fp, fn = per_photo[["tp", "fp", "fn"]].to_numpy().sum(axis=0)
    score = Interval(float(f_beta(tp, fp, fn, BETA)), math.nan, math.nan)
    empty = per_photo["fp"][per_photo["n_true"] == 0]
    false_empty = float(empty.mean()) if len(empty) else math.nan
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
        n_photos=len(per_photo),
        n_groups=count_groups(per_photo["group"]),
        data_version=f"simulated {seed}",
        split="test",
        seed=seed,
    )


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
