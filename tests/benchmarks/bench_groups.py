"""Do intervals and gate keep their word on bursts, and what does grouping 100,000 photos cost?

    python tests/benchmarks/bench_groups.py --simulations 1000

The share of 95 % intervals that hold the true F2, and of equal models promoted: photos taken as
independent, and in their groups. Processor seconds.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from sparrow.config import make_config
from sparrow.data.split.groups import count_groups, group_numbers
from sparrow.data.split.ties import photo_ties
from sparrow.evaluation.bootstrap import group_sums, percentile_interval, resample_weights
from sparrow.evaluation.compare import compare
from sparrow.evaluation.metrics import f_beta
from sparrow.evaluation.power import simulate_bursts
from sparrow.registry.promotion_criteria import Candidate
from sparrow.registry.promotion_gate import AgainstChampion, decide

WORLDS = ((20, 10), (40, 5), (40, 10), (100, 5))


def covers(per_photo: pd.DataFrame, groups: np.ndarray, seed: int) -> bool:
    """Whether the interval holds the true F2 of 0.8."""
    counts = per_photo[["tp", "fp", "fn"]].to_numpy(dtype=float)
    sums = group_sums(counts, groups)
    drawn = resample_weights(len(sums), 1000, seed) @ sums
    resampled = f_beta(drawn[:, 0], drawn[:, 1], drawn[:, 2], 2.0)
    value = float(f_beta(*counts.sum(axis=0), 2.0))
    interval = percentile_interval(value, resampled, 0.95, len(sums))
    return interval.low <= 0.8 <= interval.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--photos", type=int, default=100_000)
    arguments = parser.parse_args()
    config = make_config({"promotion": {"min_f_beta": 0.0, "max_false_count_empty": 1000.0}})
    for bursts, size in WORLDS:
        covered, promoted = np.zeros(2), np.zeros(2)
        for seed in range(arguments.simulations):
            pair = simulate_bursts(bursts, size, 0.0, seed)
            own = group_numbers(pair[1].per_photo)
            for place, groups in enumerate((np.arange(len(own)), own)):
                covered[place] += covers(pair[1].per_photo, groups, seed)
                for one in pair:
                    one.per_photo["group"] = groups
                found = compare(*pair, config, seed)
                promoted[place] += decide(
                    Candidate(pair[0], 1.0), AgainstChampion(pair[1], found), config.promotion
                ).promote
        shares = (covered / arguments.simulations, promoted / arguments.simulations)
        print(f"{bursts} bursts of {size}: covered {shares[0]}, promoted {shares[1]}", flush=True)
    rng, photos = np.random.default_rng(0), arguments.photos
    images = pd.DataFrame({"image": [f"{n:06d}.jpg" for n in range(photos)], "author": "unknown"})
    seconds = rng.integers(0, 10**8, photos)
    images["taken_at"] = (np.datetime64("2020-01-01T00:00:00") + seconds).astype(str)
    images["camera"] = [f"HF2X #{n % 50:06x}" for n in range(photos)]
    images["sha256"] = images["image"]
    for measured in (False, True):
        if measured:
            for column in ("phash", "dhash"):
                images[column] = [rng.bytes(8).hex() for _ in range(photos)]
        began = time.process_time()
        groups = count_groups(photo_ties(images).by_day)
        taken = time.process_time() - began
        likeness = "with" if measured else "without"
        print(f"{photos} photos {likeness} likeness: {groups} groups, {taken:.1f} s", flush=True)


if __name__ == "__main__":
    main()
