"""How often the promotion gate promotes, on simulated pairs whose true difference is known.

    python tests/benchmarks/bench_gate.py --write docs/gate-power.md

Only the comparison with the champion is on trial, so the absolute bars are left open.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from sparrow.config import Config, make_config
from sparrow.evaluation.compare import compare
from sparrow.evaluation.power import simulate_pair
from sparrow.registry.promotion_criteria import Candidate
from sparrow.registry.promotion_gate import AgainstChampion, decide

PHOTOS = (50, 150, 400)
# Name, true gain in F2, false birds per photo of candidate and champion.
WORLDS = (
    ("none, models alike", 0.0, (0.4, 0.4)),
    ("none, candidate finds more and errs more", 0.0, (0.8, 0.4)),
    ("none, candidate finds less and errs less", 0.0, (0.2, 0.4)),
    ("0.02", 0.02, (0.4, 0.4)),
    ("0.05", 0.05, (0.4, 0.4)),
    ("0.10", 0.10, (0.4, 0.4)),
    ("0.15", 0.15, (0.4, 0.4)),
)
HEAD = """# What the promotion gate can see

How often a candidate replaces the champion, by the size of the test set and the *true*
difference in F2 at IoU 0.5, over {null} simulated pairs for each cell without a
difference and {simulations} for the others (champion's true F2
0.80; 1.7 photos per author; hard photos are hard for both models; see
`sparrow/evaluation/power.py`). Where there is no difference, the gate should promote in at most
5 % of the cases; where there is one, as often as possible. "Minimum detectable effect" is the true
gain that the gate itself says it would notice with 80 % power (mean over the simulations). "The
gain alone" is the fraction in which the two tests of the gain agree; the gate also asks that the
candidate counts no worse and loses in no slice, which lowers the fraction.

| true gain in F2 | photos | promoted | the gain alone | minimum detectable effect |
|---|---:|---:|---:|---:|
"""
FOOT = """
The standard error of a fraction of 5 % over {null} simulations is {error:.1f} %. Made by
`python tests/benchmarks/bench_gate.py --write docs/gate-power.md`.
"""


def trial(
    photos: int, gain: float, false: tuple[float, float], seed: int, config: Config
) -> tuple[bool, bool, float]:
    """(promoted, gain shown, minimum detectable effect) for one simulated pair."""
    candidate, champion = simulate_pair(photos, gain, seed, false_per_photo=false)
    comparison = compare(candidate, champion, config, seed)
    decision = decide(
        Candidate(candidate, 1.0), AgainstChampion(champion, comparison), config.promotion
    )
    return decision.promote, comparison.is_significant, comparison.minimum_detectable_effect


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--null", type=int, default=1000, help="simulations without a difference")
    parser.add_argument("--photos", type=int, nargs="+", default=list(PHOTOS))
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    config = make_config({"promotion": {"min_f_beta": 0.0, "max_false_count_empty": 1000.0}})
    rows = ""
    for name, gain, false in WORLDS:
        for photos in arguments.photos:
            count = arguments.simulations if gain else arguments.null
            seeds = range(arguments.first_seed, arguments.first_seed + count)
            trials = [trial(photos, gain, false, seed, config) for seed in seeds]
            promoted, shown, smallest = (
                math.fsum(column) / len(trials) for column in zip(*trials, strict=True)
            )
            rows += f"| {name} | {photos} | {promoted:.1%} | {shown:.1%} | {smallest:.3f} |\n"
            values = {"world": name, "photos": photos, "promoted": promoted, "shown": shown}
            print(json.dumps(values), file=sys.stderr, flush=True)
    n = arguments.null
    page = HEAD.format(simulations=arguments.simulations, null=n) + rows
    page += FOOT.format(null=n, error=100 * math.sqrt(0.05 * 0.95 / n))
    print(page)
    if arguments.write:
        arguments.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
