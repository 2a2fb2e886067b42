"""The prediction log at a million photos and at ten: questions, the monitor, the upgrade.

    python tests/benchmarks/bench_log.py --photos 1000000 10000000

A log as the release before made it (revision 0003) is filled by one statement a table, asked, then
upgraded by opening it, and asked again; the monitor runs in a process of its own. The newest photos
are the same whatever the size, so the verdict has to be. Ten million take 9 GB below ``--home``,
which are deleted afterwards.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import create_engine

from monitoring.observation import MonitoredModel, monitored_model, observe, open_log
from monitoring.trend import trend
from sparrow import migrations
from sparrow.config import Config, MonitoringConfig, with_values
from sparrow.inference.model_folder import REFERENCE
from sparrow.predictions.hours import count_photos
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.photo_filter import PhotoFilter
from sparrow.predictions.record import LoggedBox, PredictionRecord
from sparrow.predictions.window import read_window, write_reference

sys.path.append(str(Path(__file__).resolve().parents[1]))
from small_model import write_small_model  # of the tests

NAME, VERSION = "test-detector", "1"
STEP_S = 7.776  # between two photos: a million in 90 days
WINDOWS = {
    "the newest 2,000": {"monitoring.window_photos": 2000},
    "365 days": {"monitoring.window_days": 365.0},
}
REFERENCE_FROM = 50_000_000  # numbers of the reference's photos, which no log holds
# k numbers photos from the newest; multiples of a prime spread each value evenly over 0..1.
PHOTOS = """
INSERT INTO predictions
WITH RECURSIVE numbers(k) AS (
    SELECT {last} UNION ALL SELECT k - 1 FROM numbers WHERE k > {first})
SELECT lower(hex(randomblob(16))),
    strftime('%Y-%m-%d %H:%M:%f', {now} - k * {step} / 86400.0) || '000',
    'api', '{name}', '{version}', 'a.jpg', lower(hex(randomblob(32))), 640, 480,
    {u1}, {u2}, {u3}, {u4}, 20.0 + {u5}, CAST(3 * {u6} AS INTEGER), CAST(3 * {u6} AS INTEGER),
    NULL, NULL, NULL
FROM numbers
"""
BOXES = """
INSERT INTO boxes
SELECT id, position, 'bird', 0.5 + brightness / 2 - position / 10.0, 10 + 90 * contrast, 20,
    90 + 90 * contrast, 120
FROM predictions JOIN (SELECT 0 AS position UNION ALL SELECT 1) ON position < n_detections
"""
PRIMES = (2654435761, 2246822519, 3266489917, 668265263, 374761393, 2147483647)


def main() -> None:
    """Measure each size, or be the process that is the monitor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--home", type=Path, help="where the logs are made (default: /tmp)")
    parser.add_argument("--monitor", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--window", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.monitor:
        run_monitor(arguments.monitor, WINDOWS[arguments.window])
        return
    for photos in arguments.photos:
        with tempfile.TemporaryDirectory(dir=arguments.home, prefix="sparrow-log-") as folder:
            measure(Path(folder), photos)


def measure(home: Path, photos: int) -> None:
    """Print all figures of one size."""
    make_old_log(home / "empty.db")
    make_model(home)
    (home / "empty.db").rename(home / "log.db")
    took = timed(lambda: fill(home / "log.db", 0, photos))
    print(f"\n{photos:,} photos: {size_gb(home):.1f} GB, written in {took:.0f} s", flush=True)
    ask(home, "not upgraded")
    took = timed(lambda: PredictionLog(f"sqlite:///{home}/log.db").close())
    print(f"  upgrade: {took:.0f} s, then {size_gb(home):.1f} GB", flush=True)
    ask(home, "now")
    for window in WINDOWS:
        words = ["--monitor", str(home), "--window", window]
        done = subprocess.run(
            [sys.executable, __file__, *words], check=True, capture_output=True, text=True
        )
        print(f"  monitor, {window}: {done.stdout.splitlines()[-1]}", flush=True)


def ask(home: Path, which: str) -> None:
    """Print how long each question takes, the median of three."""
    model = MonitoredModel(NAME, VERSION, home)
    month, year = (MonitoringConfig(window_days=days) for days in (30.0, 365.0))
    with open_log(f"sqlite:///{home}/log.db") as log:
        questions = {
            "count": lambda: count_photos(log, PhotoFilter(NAME, VERSION)),
            "trend": lambda: trend(log, model),
            "versions": log.model_versions,
            "newest 2,000": lambda: observe(log, model, MonitoringConfig()),
            "30 days": lambda: observe(log, model, month),
            "365 days": lambda: observe(log, model, year),
        }
        for question, answer in questions.items():
            seconds = statistics.median(timed(answer) for _ in range(3))
            print(f"  {which}: {question} {seconds:.3f} s", flush=True)


def run_monitor(home: Path, window: dict[str, float]) -> None:
    """Observe, compare and write the pages, as the steps of the flow do; print what it took."""
    from monitoring.run import detect_drift, observe_production, write_report

    stores = {"stores.champion": f"{home}/{VERSION}",
              "stores.prediction_log": f"sqlite:///{home}/log.db"}  # fmt: skip
    config = with_values(Config(), {**stores, **window})
    begun = time.monotonic()
    observed = observe_production(config, None)
    read_s = time.monotonic() - begun
    verdict = detect_drift(config, observed)
    write_report(config, observed, verdict, datetime.now(UTC), home / "pages" / "run")
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "seconds": round(time.monotonic() - begun, 1),
        "of them reading": round(read_s, 2),
        "processor seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak MB": peak_mb(),
        "photos in window": observed.n_photos,
        "read": len(observed.window.photos),
        "verdict": verdict.state,
        "smallest p-value": min(one.p_value for one in verdict.changes if one.p_value is not None),
    }
    print(json.dumps(figures))


def make_old_log(path: Path) -> None:
    """Tables as the release before made them."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    engine.dispose()


def fill(path: Path, first: int, photos: int) -> None:
    """Photos number ``first`` and up, oldest first, and one box a photo on average."""
    values = {f"u{i}": f"((k * {p}) % 4294967296) / 4294967296.0" for i, p in enumerate(PRIMES, 1)}
    now = "julianday('now')"
    words = {"first": first, "last": first + photos - 1, "now": now, "step": STEP_S}
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1500000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    connection.execute(PHOTOS.format(name=NAME, version=VERSION, **words, **values))
    connection.execute(BOXES)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def make_model(home: Path) -> None:
    """A model of kilobytes whose reference is 400 photos of the same kind, none of them logged."""
    path = home / "reference.db"
    path.write_bytes((home / "empty.db").read_bytes())
    fill(path, REFERENCE_FROM, 400)
    log = PredictionLog(f"sqlite:///{path}")
    window = read_window(log)
    log.close()
    boxes = dict(list(window.boxes.groupby("prediction_id")))
    records = []
    for photo in window.photos.to_dict("records"):
        found = boxes[photo["id"]].to_dict("records") if photo["id"] in boxes else []
        fields = ("label", "score", "x_min_px", "y_min_px", "x_max_px", "y_max_px")
        logged = tuple(LoggedBox(*(box[name] for name in fields)) for box in found)
        del photo["n_detections"]
        records.append(PredictionRecord(**photo, boxes=logged))
    write_small_model(home / VERSION, class_names=("bird",))
    counts = [record.n_detections for record in records]
    write_reference(home / VERSION / REFERENCE, records, list(range(400)), counts)
    assert monitored_model(home / VERSION, None).version == VERSION


def timed(function: Callable[[], object]) -> float:
    """Its seconds."""
    begun = time.monotonic()
    function()
    return time.monotonic() - begun


def peak_mb() -> int:
    """Of this process; what getrusage says includes the one that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1000 for line in lines if line.startswith("VmHWM"))


def size_gb(home: Path) -> float:
    """Of the log."""
    return sum(path.stat().st_size for path in home.glob("log.db*")) / 1e9


if __name__ == "__main__":
    main()
