"""How often does the interval of a visit's maximum hold? Drawn bursts, counted by a real model.

python tests/benchmarks/bench_visits.py --model .sparrow/champion

A visit is a burst of one to ten photos in which birds arrive, move and leave (``visit_photos``).
Its true maximum is the most birds to be seen in one of them. 20 visits of a seed make a day. A
photo that the model flags as unlike its training has no interval, which may leave its visit or day
none; coverage and width are of those that have one. ``--keep FILE`` notes what was counted, and a
run that is started again goes on from there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from visit_photos import draw_visit

from sparrow.false_alarms import FalseAlarms
from sparrow.inference.counter import PhotoCounter
from sparrow.visits.maximum import CONFIDENCE, Maximum, Number, maximum_of

# true count, count, low, high, expected count, half-width of its interval, whether it is flagged
Photo = tuple[int, int, int | None, int | None, float | None, float | None, bool]
VISITS_OF_A_DAY = 20
GROUPS = ((1, 1), (2, 4), (5, 10))  # photos of a visit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"), metavar="DIR")
    parser.add_argument("--visits", type=int, default=1000, help="of all seeds together")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--keep", type=Path, metavar="FILE", help="note what was counted here")
    arguments = parser.parse_args()
    counter = PhotoCounter(arguments.model.resolve())
    model = counter.info.load_count_model()
    confidence = CONFIDENCE if model is None else model.confidence
    known = read(arguments.keep)
    rule = Rule(confidence, counter.false_alarms)
    every: list[list[Photo]] = []
    days: list[list[Photo]] = []
    for place, seed in enumerate(arguments.seeds):
        share = (arguments.visits + place) // len(arguments.seeds)
        visits = list(count(counter, seed, share, known, arguments.keep))
        tell(f"seed {seed}", visits, rule)
        every += visits
        days += [
            [photo for visit in visits[first : first + VISITS_OF_A_DAY] for photo in visit]
            for first in range(0, len(visits) - VISITS_OF_A_DAY + 1, VISITS_OF_A_DAY)
        ]
    tell("all", every, rule)
    if days:
        tell("days", days, rule)
    for least, most in GROUPS:
        part = [visit for visit in every if least <= len(visit) <= most]
        tell(f"{least} to {most} photos", part, rule)


def read(path: Path | None) -> dict[tuple[int, int], list[Photo]]:
    """What was counted before."""
    if path is None or not path.exists():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {(seed, number): [tuple(p) for p in photos] for seed, number, photos in rows}


def count(
    counter: PhotoCounter,
    seed: int,
    visits: int,
    known: dict[tuple[int, int], list[Photo]],
    keep: Path | None,
) -> Iterator[list[Photo]]:
    for number in range(visits):
        photos = known.get((seed, number))
        if photos is None:
            photos = [
                (photo.sparrows, *one(counter, photo.content)) for photo in draw_visit(seed, number)
            ]
            if keep is not None:
                with keep.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([seed, number, photos]) + "\n")
        yield photos
        if (number + 1) % 50 == 0:
            print(f"seed {seed}: {number + 1} of {visits} visits", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Rule:
    """How a maximum is made of photos: ``sparrow.visits.visits`` does the same."""

    confidence: float
    false_alarms: FalseAlarms | None

    def maximum(self, photos: Sequence[Photo]) -> Maximum:
        flagged, alarms = sum(photo[6] for photo in photos), self.false_alarms
        usual = not flagged or (alarms is not None and alarms.explain(flagged, len(photos)))
        numbers = [Number(*photo[1:6]) for photo in photos]
        return maximum_of(numbers, self.confidence, usual=usual)


def one(
    counter: PhotoCounter, content: bytes
) -> tuple[int, int | None, int | None, float | None, float | None, bool]:
    """The count of a photo, as the service and the command line give it, and its flag."""
    counted = counter.count(content, "photo.jpg", "bench")[0]
    record = counted.record
    if record.count is None:
        raise RuntimeError(f"the photo could not be counted: {record.error}")
    expected, half_width = (counted.expected[0] if counted.expected else None) or (None, None)
    interval = record.count_low, record.count_high
    return record.count, *interval, expected, half_width, bool(counted.out_of_distribution)


def tell(name: str, visits: Sequence[Sequence[Photo]], rule: Rule) -> None:
    true = np.array([max(photo[0] for photo in visit) for visit in visits])
    maxima = [rule.maximum(visit) for visit in visits]
    ranged = np.array([most.low is not None for most in maxima])
    low = np.array([most.low or 0 for most in maxima])[ranged]
    high = np.array([np.inf if most.high is None else most.high for most in maxima])[ranged]
    held_true = (low <= true[ranged]) & (true[ranged] <= high)
    photos = [photo for visit in visits for photo in visit]
    shown = [max(visit, key=lambda photo: photo[0]) for visit in visits]
    # A maximum has more birds than most photos: how exact are photos with as many?
    by_number = {
        n: float(np.mean([p[0] == p[1] for p in photos if p[0] == n])) for n in set(true.tolist())
    }
    result = {
        "of": name,
        "visits": len(visits),
        "photos": len(photos),
        "flagged": round(float(np.mean([photo[6] for photo in photos])), 3),
        "with_a_flag": round(float(np.mean([any(p[6] for p in visit) for visit in visits])), 3),
        "with_a_range": round(float(ranged.mean()), 3),
        "promised": rule.confidence,
        "covered": round(float(held_true.mean()), 3),
        "mean_width": round(float((high - low)[np.isfinite(high)].mean()), 2),
        "maximum_exact": round(float(np.mean([m.count for m in maxima] == true)), 3),
        "bias": round(float(np.mean([m.count for m in maxima] - true)), 3),
        "photo_covered": round(
            float(np.mean([held(photo) for photo in photos if photo[2] is not None])), 3
        ),
        "photo_exact": round(float(np.mean([p[0] == p[1] for p in photos])), 3),
        "photo_of_true_maximum_exact": round(float(np.mean([p[0] == p[1] for p in shown])), 3),
        "photo_exact_of_as_many": round(float(np.mean([by_number[n] for n in true.tolist()])), 3),
    }
    print(json.dumps(result), flush=True)


def held(photo: Photo) -> bool:
    true, _, low, high, *_ = photo
    return (low or 0) <= true and (high is None or true <= high)


if __name__ == "__main__":
    main()
