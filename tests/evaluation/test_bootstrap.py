"""Intervals keep their word when photos come in bursts, if the bursts are what is drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sparrow.config import make_config
from sparrow.data.split.groups import WHOLES, Grouping, group_numbers
from sparrow.data.split.ties import photo_ties
from sparrow.data.tables import UNKNOWN
from sparrow.evaluation.bootstrap import (
    group_sums,
    percentile_interval,
    resample_weights,
)
from sparrow.evaluation.compare import compare
from sparrow.evaluation.metrics import f_beta
from sparrow.evaluation.power import simulate_bursts
from sparrow.registry.promotion_criteria import Candidate
from sparrow.registry.promotion_gate import AgainstChampion, decide

BURSTS, SIZE, TRUE_F2 = 30, 6, 0.8


def burst_photos(seed: int, tied_by: str, bursts: int = BURSTS, size: int = SIZE) -> pd.DataFrame:
    """The photo table of a burst simulation: only what tells which photos are of one burst."""
    rng = np.random.default_rng([seed, 9])
    scene = np.repeat(np.arange(bursts), size)
    images = pd.DataFrame({"image": [f"{n:06d}.jpg" for n in range(len(scene))], "author": UNKNOWN})
    if tied_by == "likeness":
        images["sha256"] = images["image"]
        for column in ("phash", "dhash"):  # each photo 3 bits from its burst's picture
            flipped = [sum(1 << int(b) for b in rng.choice(64, 3, False)) for _ in scene]
            picture = rng.integers(0, 2**63, bursts, dtype=np.int64)[scene]
            pairs = zip(picture.tolist(), flipped, strict=True)
            images[column] = [f"{one ^ bits:016x}" for one, bits in pairs]
    else:
        seconds = scene * 3600 + np.tile(np.arange(size) * 20, bursts)
        images["taken_at"] = (np.datetime64("2026-05-01T00:00:00") + seconds).astype(str)
        images["camera"] = "HF2X"
    return images


@pytest.mark.parametrize("tied_by", ["likeness", "time and camera"])
def test_the_bursts_are_found(tied_by: str) -> None:
    visits = photo_ties(burst_photos(0, tied_by)).visits
    assert visits.tolist() == np.repeat(np.arange(BURSTS), SIZE).tolist()


def covers(per_photo: pd.DataFrame, groups: np.ndarray, seed: int) -> bool:
    counts = per_photo[["tp", "fp", "fn"]].to_numpy(dtype=float)
    sums = group_sums(counts, groups)
    drawn = resample_weights(len(sums), 400, seed) @ sums
    value = float(f_beta(*counts.sum(axis=0), 2.0))
    resampled = f_beta(drawn[:, 0], drawn[:, 1], drawn[:, 2], 2.0)
    interval = percentile_interval(value, resampled, 0.95, len(sums))
    return interval.low <= TRUE_F2 <= interval.high


def test_the_interval_of_bursts_covers_what_it_promises() -> None:
    # Six near-identical photos tell hardly more than one: an interval that takes them for six is
    # too short by the root of almost six, and covers where a normal one of 0.42 widths does: 60 %.
    repetitions, alone, together = 80, 0, 0
    for seed in range(repetitions):
        table = simulate_bursts(BURSTS, SIZE, 0.0, seed)[1].per_photo
        visits = photo_ties(burst_photos(seed, "time and camera")).visits
        alone += covers(table, np.arange(len(table)), seed)
        together += covers(table, visits, seed)
    assert alone / repetitions < 0.7
    # Three standard errors (2.4 %) about 0.95.
    assert together / repetitions >= 0.87


def test_equal_models_are_not_promoted_because_of_bursts() -> None:
    config = make_config(
        {
            "promotion": {"min_f_beta": 0.0, "max_false_count_empty": 1000.0},
            "evaluation": {"bootstrap_samples": 200},
        }
    )
    repetitions, alone, together = 40, 0, 0
    for seed in range(repetitions):
        pair = simulate_bursts(BURSTS, SIZE, 0.0, seed)
        visits = photo_ties(burst_photos(seed, "time and camera")).visits
        for groups in (np.arange(BURSTS * SIZE), visits):
            for one in pair:
                one.per_photo["group"] = groups
            comparison = compare(*pair, config, seed)
            promoted = decide(
                Candidate(pair[0], 1.0), AgainstChampion(pair[1], comparison), config.promotion
            ).promote
            if groups is visits:
                together += promoted
            else:
                alone += promoted
    assert alone / repetitions > 0.1  # where 5 % are promised
    assert together / repetitions <= 0.1


def test_with_few_groups_the_tails_are_taken_further_out() -> None:
    drawn = np.arange(10_001) / 10_000
    # Of n groups: normal tail at sqrt(n / (n - 1)) Student quantiles. 1000: 2.5 %; 20: 1.6 %.
    wide, narrow = (percentile_interval(0.5, drawn, 0.95, n) for n in (20, 1000))
    assert narrow.low == pytest.approx(0.025, abs=0.0005)
    assert wide.low == pytest.approx(0.0159, abs=0.0005)
    assert wide.high == pytest.approx(1 - 0.0159, abs=0.0005)
    two = percentile_interval(0.5, drawn, 0.95, 2)
    assert (two.low, two.high) == pytest.approx((0, 1), abs=1e-9)


def test_groups_are_read_by_name_or_number() -> None:
    images = burst_photos(0, "likeness")
    named = Grouping(photo_ties(images).visits, WHOLES).into(images)
    firsts = [f"{SIZE * (n // SIZE):06d}.jpg" for n in range(BURSTS * SIZE)]
    assert named["group"].tolist() == firsts
    assert group_numbers(named).tolist() == photo_ties(images).visits.tolist()
