"""Monitoring: false alarms where nothing changed, power where something did, and a large log.

    python tests/benchmarks/bench_monitoring.py pool --model .sparrow/champion --pool pool.parquet
    python tests/benchmarks/bench_monitoring.py alarms --pool pool.parquet
    python tests/benchmarks/bench_monitoring.py large --model .sparrow/champion

``pool`` draws new photos and has a model count them as the service does. ``alarms`` splits them by
author into a reference and production, anew for every window, so that no photo is on both sides and
the luck of a reference is part of what is measured.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter as Tally
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from monitoring.drift_detector import DriftDetector
from monitoring.verdict import State
from sparrow.config import MonitoringConfig
from sparrow.data.formats.exchange import read_csv
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.inference.counter import PhotoCounter
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.window import Window, read_reference, write_reference

ROOT = Path(__file__).resolve().parents[2]
SIZES = (25, 100, 400)  # of windows


def make_pool(model: Path, photos: int, seed: int, path: Path) -> None:
    """Draw photos, count them, keep the records with their authors and true counts."""
    counter, records = PhotoCounter(model), []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "raw"
        generate_dataset(root, SyntheticSettings(photos, seed))
        images = read_csv(root).images
        for done, name in enumerate(images["image"]):
            content = (root / "images" / name).read_bytes()
            records.append(counter.count(content, name, "api")[0].record)
            if done % 100 == 0:
                print(f"counted {done} of {photos}", file=sys.stderr, flush=True)
    groups = pd.factorize(images["author"])[0]
    write_reference(path, records, groups.tolist(), images["n_boxes"].tolist())


def part(pool: Window, rows: np.ndarray, *, as_log: bool = False) -> Window:
    """Photos of the pool in this order; as a log they have neither group nor truth."""
    photos = pool.photos.iloc[rows].reset_index(drop=True)
    boxes = pool.boxes[pool.boxes["prediction_id"].isin(photos["id"])]
    feedback = pool.feedback[pool.feedback["prediction_id"].isin(photos["id"])]
    if as_log:
        photos, feedback = photos.drop(columns="group"), feedback.iloc[:0]
    counted = pool.class_counts[pool.class_counts["prediction_id"].isin(photos["id"])]
    return Window(photos, boxes, feedback, counted)


def shuffled_by_group(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All rows, group after group, the groups in random order."""
    order = rng.permutation(groups.max() + 1)[groups]
    return np.lexsort((rng.random(len(groups)), order))


def thinned(window: Window, recall: float, rng: np.random.Generator) -> Window:
    """As if a share of the detections had not been made."""
    boxes = window.boxes[rng.random(len(window.boxes)) < recall]
    number = boxes["prediction_id"].value_counts()
    counts = window.photos["id"].map(number).fillna(0).astype(int)
    return replace(window, photos=window.photos.assign(n_detections=counts), boxes=boxes)


def with_classes(pool: Window, classes: int, seed: int = 5) -> Window:
    """Boxes of so many classes, each group of photos in a mix of its own."""
    if classes < 2:
        return pool
    rng = np.random.default_rng(seed)
    group = pool.photos.set_index("id")["group"].reindex(pool.boxes["prediction_id"]).to_numpy()
    mixes = rng.dirichlet(np.full(classes, 2.0), size=int(group.max(initial=0)) + 1)
    bounds = mixes.cumsum(axis=1)[group]  # [boxes, classes]
    labels = (rng.random(len(group))[:, None] > bounds).sum(axis=1).clip(max=classes - 1)
    boxes = pool.boxes.assign(label=[f"class {label}" for label in labels])
    return replace(pool, boxes=boxes)


def alarms(pool: Window, reference_photos: int, windows: int, recall: float) -> None:
    """Print the share of windows that alarm, by size, each with a reference of its own."""
    groups = pool.photos["group"].to_numpy()
    config = MonitoringConfig(
        windows=SIZES
    )  # a larger nested window takes no part in windows of these sizes
    alarmed: Tally[int] = Tally()
    columns: Tally[str] = Tally()
    begun = time.monotonic()
    for number in range(windows):
        rng = np.random.default_rng([17, number])
        rows = shuffled_by_group(groups, rng)
        detector = DriftDetector(part(pool, rows[:reference_photos]), config, seed=number)
        for size in SIZES:
            window = part(pool, rows[reference_photos:][:size], as_log=True)
            if len(window.photos) < size:
                raise SystemExit(f"the pool has too few photos for a window of {size}")
            verdict = detector.detect_drift(thinned(window, recall, rng) if recall < 1 else window)
            alarmed[size] += verdict.state == State.DRIFT
            columns.update(one.column for one in verdict.drifted)
        if (number + 1) % 20 == 0:
            print(number + 1, dict(alarmed), file=sys.stderr, flush=True)
    print(f"reference {reference_photos} photos, recall x {recall:g}, {windows} windows each:")
    for size in SIZES:
        share = alarmed[size] / windows
        error = (share * (1 - share) / windows) ** 0.5
        print(f"  window {size:>4}: alarms {share:.1%} (standard error {error:.1%})")
    print(f"  columns: {dict(columns.most_common(6))}; {time.monotonic() - begun:.0f} s")


def fill_log(path: Path, photos: int, boxes_per_photo: int, name: str, version: str) -> None:
    """A log of so many photos over 90 days, written past the library: it is only to be read."""
    PredictionLog(f"sqlite:///{path}").close()
    rng = np.random.default_rng(5)
    start = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=90)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for first in range(0, photos, 50_000):
            n = min(50_000, photos - first)
            ids = [os.urandom(16).hex() for _ in range(n)]
            seconds = (first + np.arange(n)) * (90 * 86400 / photos)
            statistics = rng.normal((0.5, 0.2, 0.06, 0.4), 0.05, (n, 4)).clip(0, 1)
            connection.executemany(
                "INSERT INTO predictions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    (ids[i], str(start + timedelta(seconds=seconds[i])), "api", name, version,
                     "a.jpg", "0" * 64, 640, 480, *statistics[i].tolist(), 20.0, boxes_per_photo,
                     boxes_per_photo, None, None, None)
                    for i in range(n)
                ),
            )  # fmt: skip
            corner = rng.uniform(0, 400, (n * boxes_per_photo, 2)).tolist()
            connection.executemany(
                "INSERT INTO boxes VALUES (?,?,?,?,?,?,?,?)",
                (
                    (ids[k // boxes_per_photo], k % boxes_per_photo, "bird", 0.8, x, y,
                     x + 70, y + 70)
                    for k, (x, y) in enumerate(corner)
                ),
            )  # fmt: skip
        connection.commit()


def large(model: Path, photos: int) -> None:
    """The whole flow over a large log: once with the default window, once with all of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / ".metaflow").mkdir()
        target = model.resolve()
        begun = time.monotonic()
        counter = PhotoCounter(target, verify=False)
        fill_log(home / "log.db", photos, 3, counter.info.name, counter.version)
        size = (home / "log.db").stat().st_size / 1e9
        print(
            f"log of {photos:,} photos: {size:.1f} GB, written in {time.monotonic() - begun:.0f} s"
        )
        for window in ("monitoring.window_photos=2000", "monitoring.window_days=365.0"):
            command = [
                sys.executable, str(ROOT / "flows" / "monitor.py"), "run",
                "--set", f"stores.champion={target}",
                "--set", f"stores.prediction_log=sqlite:///{home}/log.db", "--set", window,
            ]  # fmt: skip
            begun, spent = time.monotonic(), processor_s()
            done = subprocess.run(
                command, cwd=home, check=False, capture_output=True, text=True,
                env={"METAFLOW_USER": "bench", **os.environ},
            )  # fmt: skip
            seconds = time.monotonic() - begun
            # Of the largest process so far; each step is one of its own.
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
            used, load = processor_s() - spent, os.getloadavg()[0]
            print(f"{window}: exit {done.returncode}, {seconds:.1f} s, {used:.1f} s of a processor")
            print(f"  peak {peak:.2f} GB; load of the machine {load:.1f}")
            print("\n".join(done.stdout.strip().splitlines()[-3:]), flush=True)


def processor_s() -> float:
    """Of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["pool", "alarms", "large"])
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"))
    parser.add_argument("--pool", type=Path, default=Path(".sparrow/monitoring-pool.parquet"))
    parser.add_argument("--photos", type=int, default=None)
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--reference", type=int, default=115, help="photos of the reference")
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--classes", type=int, default=1, help="that the boxes are given")
    parser.add_argument("--recall", type=float, default=1.0, help="share of detections left")
    arguments = parser.parse_args()
    if arguments.what == "pool":
        make_pool(arguments.model, arguments.photos or 900, arguments.seed, arguments.pool)
    elif arguments.what == "alarms":
        pool = with_classes(read_reference(arguments.pool), arguments.classes)
        alarms(pool, arguments.reference, arguments.windows, arguments.recall)
    else:
        large(arguments.model, arguments.photos or 1_000_000)


if __name__ == "__main__":
    main()
