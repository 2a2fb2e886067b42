"""Fire drill: drawn traffic through the real service, with faults of known strength.

    python tests/benchmarks/drill.py --model .sparrow/champion --to docs/drill.md

Every fault's photos go through the service once, over HTTP; the repetitions are drawn from what it
logged. What is in the log of the work folder already is not sent again, so a drill that was
stopped goes on (`--home` names that folder; a new champion needs a new one).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitoring.drift_detector import DriftDetector
from monitoring.drill.faults import FAULTS, Fault
from monitoring.drill.repeat import Scenario, Traffic, one_run, repeat
from monitoring.drill.served import send, served
from monitoring.drill.table import Row, markdown
from sparrow.config import Config, EvaluationConfig, MonitoringConfig
from sparrow.data.formats.exchange import read_csv
from sparrow.data.split.groups import with_groups
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.evaluation.matching import flatten
from sparrow.evaluation.metrics import threshold_for_recall
from sparrow.images import read_image
from sparrow.inference.model_folder import read_info, write_info
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.window import Window, read_window

SEED = 7000
REPETITIONS = 40
HISTORY = 150  # healthy photos before the fault
FALL = 0.2  # of recall
RECALL_TOLERANCE = 0.02
# Photos with the fault after which the monitor runs.
RUNS = (5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100, *range(125, 501, 25))
Content = Callable[[], bytes]


@dataclass(frozen=True)
class Set:
    """Drawn photos: how many, of which seed, season and birds."""

    name: str
    photos: int
    seed: int
    season: str = "summer"
    birds: str = "all"

    def draw(self, home: Path) -> Dataset:
        """The set, drawn where it is not there yet."""
        root = home / self.name
        if not root.exists():
            settings = SyntheticSettings(
                self.photos, self.seed, season=self.season, birds=self.birds
            )
            generate_dataset(root, settings)
        return read_csv(root)


REFERENCE = Set("reference", 300, SEED)
HEALTHY = Set("healthy", 200, SEED + 1)
TRAFFIC = Set("traffic", 250, SEED + 2)  # the faults happen to these
LONG, SHORT, SHORTEST = 100, 60, 40  # of them for faults that should be noticed sooner and sooner
DRAWN = (
    Set("winter", 120, 902, season="winter"),
    Set("other species", SHORT, SEED + 4, birds="others"),
    Set("empty feeder", SHORT, SEED + 5, birds="none"),
)
STRENGTHS = {
    "winter": "snow, dim light",
    "other species": "no sparrow, other birds",
    "empty feeder": "no bird at all",
}


@dataclass(frozen=True)
class Pool:
    """Photos to send: name -> how to make them; and the author of each."""

    key: str
    photos: dict[str, Content]
    authors: dict[str, str]


def pool(key: str, dataset: Dataset, photos: int, change: Callable[..., bytes] | None) -> Pool:
    """The first photos of a set, as they are or changed."""

    def content(path: Path, seed: int) -> bytes:
        return path.read_bytes() if change is None else change(read_image(path), seed)

    rows = dataset.images.head(photos).to_dict("records")
    named = {f"{key}--{row['image']}": row for row in rows}
    made = {
        name: partial(content, dataset.image_path(row["image"]), seed)
        for seed, (name, row) in enumerate(named.items())
    }
    return Pool(key, made, {name: row["author"] for name, row in named.items()})


def all_pools(sets: dict[str, Dataset]) -> list[Pool]:
    """Everything that the healthy service is sent."""
    traffic = sets["traffic"]
    whole = (REFERENCE, HEALTHY, TRAFFIC)
    pools = [pool(one.name, sets[one.name], one.photos, None) for one in whole]
    pools += [pool(one.name.replace(" ", "-"), sets[one.name], SHORT, None) for one in DRAWN]
    return pools + [pool(one.key, traffic, photos_of(one), one.apply) for one in FAULTS]


def photos_of(fault: Fault) -> int:
    """The limit of heavy ones is 100 photos; the others have none."""
    return LONG if fault.heavy else SHORT


def send_missing(model: Path, pools: list[Pool], home: Path, name: str) -> None:
    """Send what the log does not hold yet through a service of ``model``."""
    config = home / f"{name}.yaml"
    config.write_text(f"stores: {{prediction_log: '{log_url(home, name)}'}}\n")
    known = set(read(home, name).photos["file_name"])
    waiting = [(p, {n: c for n, c in p.photos.items() if n not in known}) for p in pools]
    waiting = [(p, photos) for p, photos in waiting if photos]
    if not waiting:
        return
    with served(model, config, home / f"{name}.txt") as url:
        for one, photos in waiting:
            begun = time.monotonic()
            for part in parts(list(photos.items()), 64):
                send(url, [(n, content()) for n, content in part])
            seconds = time.monotonic() - begun
            print(f"{name}: {one.key}: {len(photos)} photos in {seconds:.0f} s", flush=True)


def parts(items: list[tuple[str, Content]], size: int) -> Iterator[list[tuple[str, Content]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def log_url(home: Path, name: str) -> str:
    return f"sqlite:///{home.absolute()}/{name}.db"


def read(home: Path, name: str) -> Window:
    log = PredictionLog(log_url(home, name))
    try:
        return read_window(log)
    finally:
        log.close()


def traffic_of(window: Window, one: Pool) -> tuple[Window, list[str]]:
    """A pool's rows of the log with their authors."""
    photos = window.photos[window.photos["file_name"].isin(list(one.photos))]
    photos = photos.drop_duplicates("file_name").sort_values("file_name", ignore_index=True)
    assert len(photos) == len(one.photos), f"{one.key}: {len(photos)} of {len(one.photos)} logged"
    boxes = window.boxes[window.boxes["prediction_id"].isin(photos["id"])]
    authors = [one.authors[name] for name in photos["file_name"]]
    return replace(window, photos=photos, boxes=boxes), authors


def broken_models(
    model: Path, found: dict[str, Detections], dataset: Dataset, home: Path
) -> tuple[dict[str, Path], str]:
    """Copies of the champion that are really worse: one finds nothing, one a fifth less."""
    info = read_info(model)
    healthy = recall(dataset, found, info.threshold, info.class_names)
    wanted = (1 - FALL) * healthy
    flat = flatten(with_groups(dataset), found, info.class_names)
    worse = threshold_for_recall(flat, wanted, EvaluationConfig())
    now = recall(dataset, found, worse, info.class_names)
    assert abs(now - wanted) < RECALL_TOLERANCE, (now, wanted)
    folders = {}
    for name, threshold in (("dead", 1.0), ("recall", worse)):
        folders[name] = home / name / model.resolve().name
        if not folders[name].exists():
            shutil.copytree(model.resolve(), folders[name])
        update: dict[str, Any] = {"threshold": threshold}
        if info.count_model is not None:  # or the interval would be for another threshold
            update["count_model"] = {**info.count_model, "threshold": threshold}
        write_info(folders[name], info.model_copy(update=update))
    told = f"recall {healthy:.3f} to {now:.3f} (threshold {info.threshold:.2f} to {worse:.2f})"
    return folders, told


def recall(
    dataset: Dataset, found: dict[str, Detections], threshold: float, classes: tuple[str, ...]
) -> float:
    from sparrow.evaluation.evaluate import evaluate

    flat = flatten(with_groups(dataset), found, classes)
    scores = evaluate(flat, threshold, EvaluationConfig(bootstrap_samples=1))
    return scores.headline["recall"].value


@dataclass(frozen=True)
class Task:
    """A row of the table: what to draw from and the limit in photos."""

    fault: str
    strength: str
    limit: int
    faulty: tuple[Window, list[str]]


_detector: DriftDetector
_healthy: Traffic


def set_up(reference: Window, healthy: tuple[Window, list[str]]) -> None:
    """Of each worker process."""
    global _detector, _healthy
    _detector, _healthy = DriftDetector(reference, MonitoringConfig()), Traffic(*healthy)


def row(task: Task) -> Row:
    """All repetitions of a fault."""
    scenario = Scenario(_healthy, Traffic(*task.faulty), HISTORY)
    seeds = range(REPETITIONS)
    runs = [photos for photos in RUNS if photos <= task.limit]
    return Row(
        task.fault,
        task.strength,
        task.limit,
        tuple(repeat(_detector, scenario, runs, seed) for seed in seeds),
        tuple(one_run(_detector, scenario, task.limit, seed=1000 + seed) for seed in seeds),
    )


def tasks(home: Path, pools: list[Pool], fall: str) -> list[Task]:
    window = read(home, "healthy")
    by_key = {one.key: traffic_of(window, one) for one in pools[2:]}
    traffic = pools[2]
    dead, worse = (traffic_of(read(home, name), part) for name, part in worse_pools(traffic))
    listed = [
        Task("no fault", "–", limit, by_key["traffic"])
        for limit in (30, SHORT, LONG, TRAFFIC.photos)
    ]
    listed.append(Task("dead model", "returns nothing (threshold 1)", 30, dead))
    listed.append(Task("recall falls by 20 %", fall, TRAFFIC.photos, worse))
    for one in DRAWN:
        key = one.name.replace(" ", "-")
        listed.append(Task(one.name, STRENGTHS[one.name], SHORT, by_key[key]))
    for fault in FAULTS:
        strength = f"{fault.strength:g} ({fault.unit})"
        listed.append(Task(fault.name, strength, photos_of(fault), by_key[fault.key]))
    return listed


def worse_pools(traffic: Pool) -> list[tuple[str, Pool]]:
    """What the two worse models are sent."""
    some = dict(list(traffic.photos.items())[:SHORTEST])
    return [("dead", Pool("traffic", some, traffic.authors)), ("recall", traffic)]


TEXT = """# Fire drill

How many photos pass before the monitor notices a fault. Made by

```bash
make drill
```

on {date} with the demo's champion (trained {trained}).

**How.** Synthetic photos go through the real service (`bentoml serve`, over HTTP), healthy ones and
copies with a fault: {sent:,} photos in all, each once. From what it logged, {repetitions}
repetitions are drawn for each row: {history} healthy photos, then photos with the fault, author by
author in random order, none twice within a repetition. "No fault" and the fall of recall have a
pool of {long} photos, heavy night and blur {heavy}, the others {short}, the dead model {shortest};
repetitions share most of them, in other orders and after other healthy ones. The detector
(`monitoring/drift_detector.py`, all defaults, 5 % false alarms a run) has as its reference the
same model's answers to {reference} other synthetic photos of {groups} authors, through the same
service. "Dead model" and "recall falls" are copies of the champion with another threshold,
served for real: {fall}.

**Reading it.** "Asking again and again" is a run after every 5 photos at first and every 25 in the
end; any of the runs may be a false alarm, and the rows "no fault" say
how often at least one of them is. "One run" is a single run when just so many photos with the fault
have arrived; there chance is the 5 % of the setting. The last column counts repetitions by what the
first noticing run was surest of.

{table}
Before any fault, with {history} healthy photos in the window, {before:.1%} of {runs:,} runs said
drift. None of these is a rate of false alarms: the healthy photos are always of the same {healthy},
and "no fault" at {long} is the whole pool each time, one sample in {repetitions} orders. The rate
over fresh windows is in [benchmarks.md](benchmarks.md).

The demo's own reference has fewer photos. {small}
"""


def main() -> None:
    """Draw, send, repeat, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(Config().stores.champion))
    parser.add_argument("--home", type=Path, default=Path(".sparrow/drill"), help="work folder")
    parser.add_argument("--to", type=Path, default=Path("docs/drill.md"))
    parser.add_argument("--only-send", action="store_true", help="repetitions another time")
    arguments = parser.parse_args()
    home = arguments.home
    home.mkdir(parents=True, exist_ok=True)
    sets = {one.name: one.draw(home) for one in (REFERENCE, HEALTHY, TRAFFIC, *DRAWN)}
    pools = all_pools(sets)
    fall = send_all(arguments.model, pools, sets["reference"], home)
    if not arguments.only_send:
        arguments.to.write_text(make_page(arguments.model, pools, fall, home))
        print(f"written: {arguments.to}")


def send_all(model: Path, pools: list[Pool], reference: Dataset, home: Path) -> str:
    """Everything into the three logs; what the fall of recall is, in words."""
    send_missing(model, pools, home, "healthy")
    found = logged(read(home, "healthy"), pools[0])
    folders, fall = broken_models(model, found, reference, home)
    for name, part in worse_pools(pools[2]):
        send_missing(folders[name], [part], home, name)
    return fall


def logged(window: Window, one: Pool) -> dict[str, Detections]:
    """What the service found in a pool's photos, at its threshold and above, by photo name."""
    part, _ = traffic_of(window, one)
    boxes = dict(iter(part.boxes.groupby("prediction_id")))
    empty = part.boxes.iloc[:0]
    found = {}
    for name, file_name in zip(part.photos["id"], part.photos["file_name"], strict=True):
        rows = boxes.get(name, empty)
        xyxy, labels = rows[XYXY].to_numpy(np.float32), np.ones(len(rows), np.int64)
        found[file_name.split("--", 1)[1]] = Detections(xyxy, rows["score"].to_numpy(), labels)
    return found


def make_page(model: Path, pools: list[Pool], fall: str, home: Path) -> str:
    """Repeat, and put it in words."""
    window = read(home, "healthy")
    reference, authors = traffic_of(window, pools[0])
    groups = pd.factorize(np.asarray(authors))[0]
    reference = replace(reference, photos=reference.photos.assign(group=groups))
    healthy, listed = traffic_of(window, pools[1]), tasks(home, pools, fall)
    rows = []
    workers = os.cpu_count()
    with ProcessPoolExecutor(
        workers, initializer=set_up, initargs=(reference, healthy)
    ) as processes:
        for one in processes.map(row, listed):
            rows.append(one)
            print(" | ".join(one.cells()), flush=True)
    small = smaller_reference(reference, healthy, next(t for t in listed if t.strength == fall))
    early = [one.before for each in rows for one in each.repetitions]
    return TEXT.format(
        date=time.strftime("%Y-%m-%d"),
        trained=read_info(model).trained_at,
        sent=sum(len(p.photos) for p in pools) + SHORTEST + TRAFFIC.photos,
        repetitions=REPETITIONS,
        history=HISTORY,
        short=SHORT,
        shortest=SHORTEST,
        heavy=LONG,
        long=TRAFFIC.photos,
        reference=REFERENCE.photos,
        healthy=HEALTHY.photos,
        groups=len(set(authors)),
        fall=fall,
        table=markdown(rows),
        before=sum(early) / len(early),
        runs=len(early),
        small=small,
    )


def smaller_reference(reference: Window, healthy: tuple[Window, list[str]], fall: Task) -> str:
    """What a reference of the demo's size would notice of the fall of recall."""
    groups = reference.photos["group"].unique()
    chosen = np.random.default_rng(0).permutation(groups)
    sizes = reference.photos["group"].value_counts()[chosen].cumsum()
    photos = reference.photos[reference.photos["group"].isin(chosen[sizes.to_numpy() <= 114])]
    part = replace(
        reference,
        photos=photos.reset_index(drop=True),
        boxes=reference.boxes[reference.boxes["prediction_id"].isin(photos["id"])],
    )
    set_up(part, healthy)
    found = row(fall)
    return (
        f"With {len(photos)} photos of the reference, as many as it has, the fall of recall is "
        f"noticed by {found.noticed_at_once:.0%} of single runs at {fall.limit} photos."
    )


if __name__ == "__main__":
    sys.exit(main())
