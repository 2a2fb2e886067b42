"""How often do the checks of a split and of new data end a run where nothing is wrong?

    python tests/benchmarks/bench_checks.py --root data/demo/raw --simulations 200

``split``: the split of the flow, with another seed each time. ``groups``: an eighth of the authors
at random, without the flow's balance. ``new``: a tenth of the authors stands for new data. Each
with the photos as they are, and with a brightness that every author has for their own (half of its
variance). ``by photo`` is what the same limit says where each photo counts as independent. At the
end new photos are made brighter, by so many standard deviations.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from sparrow.config import Config, load_config, with_values
from sparrow.data.checks.run import check_dataset
from sparrow.data.comparison import Comparison
from sparrow.data.drift import compare_new_with_raw, compare_train_with_test
from sparrow.data.feature_drift import distance
from sparrow.data.split.split import split_dataset
from sparrow.data.tables import Dataset

World = Callable[[Dataset, Config, int], Comparison]


def by_split(dataset: Dataset, config: Config, seed: int) -> Comparison:
    bits = config.data.near_duplicate_bits
    return compare_train_with_test(split_dataset(dataset, config.split, bits, seed).dataset, config)


def by_groups(dataset: Dataset, config: Config, seed: int, share: float = 0.12) -> Comparison:
    is_test = some_authors(dataset, seed, share)
    split = np.where(is_test, "test", "train")
    return compare_train_with_test(
        replace(dataset, images=dataset.images.assign(split=split)), config
    )


def by_new(dataset: Dataset, config: Config, seed: int) -> Comparison:
    is_new = some_authors(dataset, seed, 0.1)
    return compare_new_with_raw(dataset.having(~is_new), dataset.having(is_new), config)


def by_brighter_new(dataset: Dataset, config: Config, seed: int, shift: float) -> Comparison:
    """New photos are brighter by so many standard deviations."""
    images, is_new = dataset.images, some_authors(dataset, seed, 0.1)
    moved = images["brightness"] + is_new * shift * images["brightness"].std()
    data = replace(dataset, images=images.assign(brightness=moved))
    return compare_new_with_raw(data.having(~is_new), data.having(is_new), config)


def some_authors(dataset: Dataset, seed: int, share: float) -> pd.Series:
    names = dataset.images["author"].unique()
    chosen = np.random.default_rng([3, seed]).permutation(names)[: round(share * len(names))]
    return dataset.images["author"].isin(chosen)


def with_manners(dataset: Dataset) -> Dataset:
    """Each author's photos share a brightness, beside their own."""
    images, rng = dataset.images, np.random.default_rng(7)
    names = images["author"].unique()
    manner = images["author"].map(dict(zip(names, rng.normal(size=len(names)), strict=True)))
    own = images["brightness"]
    shifted = own + manner * own.std()
    return replace(dataset, images=images.assign(brightness=shifted))


def ends_by_photo(comparison: Comparison, config: Config) -> bool:
    """Kolmogorov-Smirnov over photos as if independent, shared among the features (Bonferroni)."""
    table, limits = comparison.tables["photos"], config.checks
    numbers = table.reference.select_dtypes("number").columns
    return any(
        ks_2samp(table.reference[name], table.current[name]).pvalue
        <= limits.false_alarm_rate / len(numbers)
        and distance(table.reference[name], table.current[name]) > limits.max_drift
        for name in numbers
    )


def measure(name: str, world: World, data: Dataset, config: Config, simulations: int) -> None:
    begun, ends, by_photo, unlimited = time.process_time(), 0, 0, 0
    no_limit = with_values(config, {"checks.max_drift": 0.0})
    for seed in range(simulations):
        comparison = world(data, config, seed)
        ends += bool(comparison.failed)
        by_photo += ends_by_photo(comparison, config)
        rate = no_limit.checks.false_alarm_rate
        unlimited += any(f.p_value is not None and f.p_value <= rate for f in comparison.features)
    spent = (time.process_time() - begun) / simulations
    shares = (f"{count / simulations:.1%}" for count in (ends, unlimited, by_photo))
    print(f"{name:<24}", *(f"{share:>8}" for share in shares), f"{spent:8.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("data/demo/raw"))
    parser.add_argument("--config", type=Path, default=Path("configs/demo.yaml"))
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--only", default="", help="beginning of the rows' names")
    parser.add_argument("--prepared", default="data/demo/prepared")
    arguments = parser.parse_args()
    config = with_values(load_config(arguments.config), {"data.prepared": arguments.prepared})
    plain = check_dataset(arguments.root, config.data).dataset
    print("runs that end: by the checks, without max_drift, by photo; processor seconds each")
    rows: dict[str, tuple[World, Dataset, int]] = {}
    for kind, data in (("", plain), (", manners", with_manners(plain))):
        for name, world in (("split", by_split), ("groups", by_groups), ("new", by_new)):
            rows[name + kind] = world, data, arguments.simulations
    for shift in (0.25, 0.5, 0.75, 1.0):
        brighter = partial(by_brighter_new, shift=shift)
        rows[f"bright by {shift:g}"] = brighter, plain, arguments.simulations // 4
    for name, (world, data, simulations) in rows.items():
        if name.startswith(arguments.only):
            measure(name, world, data, config, simulations)


if __name__ == "__main__":
    main()
