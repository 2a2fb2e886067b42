"""What the data room claims, measured: one line a figure.

python tests/benchmarks/bench_data.py [--only PART ...] [--raccoon DIR]

Parts: tables (checks of a million boxes, against a loop over rows), photos (measuring on all cores,
and again from the cache), pairs (near-duplicates in a set of real photos; needs --raccoon, a folder
in Pascal VOC), kills (intakes killed at 20 file operations), corruptions (300 broken batches),
trips (COCO, VOC and YOLO there and back), split (time of the splitter).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from sparrow.config import DataConfig, SplitConfig
from sparrow.data.checks import check_dataset, check_tables
from sparrow.data.duplicates import near_duplicate_pairs
from sparrow.data.errors import DataError
from sparrow.data.exchange import export_dataset, import_dataset, read_csv, read_set
from sparrow.data.findings import RULES
from sparrow.data.generate import generate_dataset
from sparrow.data.ingest import ingest_new
from sparrow.data.measure import measure_photos
from sparrow.data.split import split_dataset
from sparrow.data.tables import XYXY, Dataset

TESTS = Path(__file__).parents[1] / "data"
BOXES_PER_PHOTO = 10


def tables(_: argparse.Namespace, __: Path) -> None:
    """Schema and cross-table checks at 10⁴ to 10⁶ boxes, and a loop over rows at 10⁶."""
    config, seconds = DataConfig(), {}
    check_tables(*raw_tables(10), config)  # pandera's own start is not the tables' cost
    for photos in (1_000, 10_000, 100_000):
        info, boxes = raw_tables(photos)
        started = time.perf_counter()
        findings = check_tables(info, boxes, config)
        seconds[photos] = time.perf_counter() - started
        say(f"checks of {photos:,} photos, {len(boxes):,} boxes", f"{seconds[photos]:.2f} s")
        assert not findings
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    say("peak memory of the process, tables included", f"{peak:.2f} GB")
    say("cost of ten times the boxes, 10⁵ to 10⁶", f"{seconds[100_000] / seconds[10_000]:.1f} ×")
    started = time.perf_counter()
    loop_over_rows(info, boxes, config)
    loop = time.perf_counter() - started
    say("the same rules in a loop over rows", f"{loop:.0f} s, {loop / seconds[100_000]:.0f} ×")


def raw_tables(photos: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Valid tables in the reference's spelling, ten boxes a photo."""
    rng = np.random.default_rng(0)
    names = np.array([f"photo_{i:06d}.jpg" for i in range(photos)], dtype=object)
    info = pd.DataFrame(
        {
            "Name": names,
            "Author": [f"author {i % 997}" for i in range(photos)],
            "Number_HSparrows": BOXES_PER_PHOTO,
            "Source": "Flickr",
            "License": "CC0",
        }
    )
    n = photos * BOXES_PER_PHOTO
    boxes = pd.DataFrame(
        {
            "label_name": "house_sparrow",
            "bbox_x": rng.integers(0, 900, n),
            "bbox_y": rng.integers(0, 600, n),
            "bbox_width": rng.integers(10, 100, n),
            "bbox_height": rng.integers(10, 100, n),
            "image_name": np.repeat(names, BOXES_PER_PHOTO),
            "image_width": 1024,
            "image_height": 768,
        }
    )
    return info, boxes


def loop_over_rows(info: pd.DataFrame, boxes: pd.DataFrame, config: DataConfig) -> int:
    """The plain way: every row of both tables by ``iterrows``, the same rules; faults found."""
    faults, top = 0, config.max_side_px
    counts: dict[str, float] = {}
    for _, row in info.iterrows():
        faults += row["Name"] in counts or not row["Name"].endswith(config.extensions)
        faults += any(pd.isna(value) or value == "" for value in row)
        faults += not config.min_boxes_per_photo <= row["Number_HSparrows"] <= 300
        counts[row["Name"]] = row["Number_HSparrows"]
    drawn: dict[str, list[Any]] = {}
    for _, row in boxes.iterrows():
        x, y, w, h = (row[f"bbox_{side}"] for side in ("x", "y", "width", "height"))
        width, height = row["image_width"], row["image_height"]
        faults += any(pd.isna(value) or value == "" for value in row)
        faults += row["label_name"] not in config.classes or row["image_name"] not in counts
        faults += not row["image_name"].endswith(config.extensions)
        faults += not (0 <= x <= top and 0 <= y <= top and 0 < w <= top and 0 < h <= top)
        faults += not (0 < width <= top and 0 < height <= top)
        faults += x + w > width or y + h > height
        others = drawn.setdefault(row["image_name"], [])
        faults += sum(_iou((x, y, w, h), box[:4]) >= config.same_box_iou for box in others)
        faults += bool(others) and others[0][4:] != (width, height)
        others.append((x, y, w, h, width, height))
    faults += sum(len(drawn.get(name, [])) != count for name, count in counts.items())
    return faults


def _iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def photos(arguments: argparse.Namespace, folder: Path) -> None:
    """1,000 photos of 1280 × 720: one process, all cores, and again from the cache."""
    images = folder / "images"
    images.mkdir()
    rng = np.random.default_rng(0)
    for i in range(arguments.photos):
        patches = rng.integers(0, 256, (45, 80, 3), dtype=np.uint8)
        photo = Image.fromarray(patches).resize((1280, 720), Image.Resampling.BICUBIC)
        photo.save(images / f"{i}.jpg", quality=90)
    names = [path.name for path in images.iterdir()]
    time.sleep(3)  # a file changed within the last seconds is not yet trusted to the cache
    seconds = {}
    cores = len(os.sched_getaffinity(0))
    for workers, cache in ((1, "one"), (cores, "all"), (cores, "all")):
        started = time.perf_counter()
        measure_photos(images, names, folder / cache, workers)
        again = f"{workers} processes" in seconds
        title = "from the cache" if again else f"{workers} processes"
        seconds[title] = time.perf_counter() - started
        say(f"measuring {len(names):,} photos, {title}", f"{seconds[title]:.2f} s")
    ratio = seconds["1 processes"] / seconds[f"{cores} processes"]
    say(f"{cores} processes against one", f"{ratio:.2f} ×")
    share = seconds["from the cache"] / seconds[f"{cores} processes"]
    say("the second run's share of the first", f"{share:.1%}")


def pairs(arguments: argparse.Namespace, folder: Path) -> None:
    """Near-duplicates in real photos."""
    if arguments.raccoon is None:
        return say("near-duplicate pairs", "not measured: no --raccoon")
    images = arguments.raccoon / "images"
    names = sorted(path.name for path in images.iterdir())
    measured = measure_photos(images, names, folder / "cache")
    found = near_duplicate_pairs(measured, DataConfig().near_duplicate_bits)
    for row in found.to_dict("records"):
        kind = "exact" if row["exact"] else f"{row['bits']} bits"
        say(f"near-duplicate {row['image_a']} {row['image_b']}", kind)
    say("near-duplicate pairs", str(len(found)))


def kills(_: argparse.Namespace, folder: Path) -> None:
    """Intakes killed at 20 random file operations, checked and completed."""
    sets = module("conftest")
    sets.PhotoSet(folder / "raw", 6).write()
    sets.PhotoSet(folder / "new", 4, first=100, prefix="new_").write()
    command = [sys.executable, str(TESTS / "kill_intake.py"), str(folder), "20", "1"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    results = [json.loads(line) for line in out.splitlines()]
    say("killed intakes that left a valid set", f"{sum(r['valid'] for r in results)} of 20")
    say("killed intakes completed by the next", f"{sum(r['completed'] for r in results)} of 20")


def corruptions(_: argparse.Namespace, folder: Path) -> None:
    """300 broken batches: each must be refused by rule, and the raw set left alone."""
    sets, ways = module("conftest"), module("corruptions").CORRUPTIONS
    refused = tracebacks = changed = 0
    for number in range(300):
        name = list(ways)[number % len(ways)]
        place = folder / str(number)
        raw = sets.PhotoSet(place / "raw", 6).write()
        new = sets.PhotoSet(place / "new", 4, first=100, prefix="new_").write()
        before = content(raw)
        ways[name](new, "new_", np.random.default_rng(number))
        config = DataConfig(
            root=str(raw),
            new=str(new),
            rejected=str(place / "rejected"),
            prepared=str(folder / "prepared"),
            extensions=(".png",),
            sources=("Flickr",),
            licenses=("CC0",),
        )
        try:
            ingest_new(config)
        except DataError as error:
            refused += any(rule in str(error) for rule in RULES) or str(new) in str(error)
        except Exception as error:
            tracebacks += 1
            print(f"  {name} {number}: {type(error).__name__}: {error}", file=sys.stderr)
        changed += content(raw) != before
    say("corrupted batches refused by rule or with a clear reason", f"{refused} of 300")
    say("corrupted batches that ended in a traceback", str(tracebacks))
    say("corrupted batches that changed the raw set", str(changed))


def trips(arguments: argparse.Namespace, folder: Path) -> None:
    """Sets exported, read back and compared box by box."""
    drawn = folder / "drawn"
    generate_dataset(drawn, 40, 0)
    sources = {"drawn photos": read_csv(drawn)}
    if arguments.raccoon is not None:
        import_dataset("voc", arguments.raccoon, folder / "raccoon")
        sources["real photos"] = read_csv(folder / "raccoon")
    for title, dataset in sources.items():
        for kind in ("coco", "voc", "yolo", "csv"):
            place = folder / f"{title} {kind}"
            export_dataset(kind, dataset, place)
            worst = largest_difference(dataset, read_set(kind, place))
            say(f"{title}: {kind} there and back, largest difference", f"{worst:g} px")
        coco = next((folder / f"{title} coco").glob("*.json"))
        from pycocotools.coco import COCO

        with contextlib.redirect_stdout(io.StringIO()):
            loaded = COCO(str(coco))
        say(f"{title}: boxes pycocotools reads", f"{len(loaded.anns)} of {len(dataset.boxes)}")


def largest_difference(one: Dataset, other: Dataset) -> float:
    """Of any box side, with boxes matched by photo and order; infinite where boxes are lost."""
    tables = [d.boxes.sort_values(["image", *XYXY], ignore_index=True) for d in (one, other)]
    keys = [list(table["image"] + table["label"]) for table in tables]
    if keys[0] != keys[1]:
        return float("inf")
    return float(np.abs(tables[0][XYXY].to_numpy() - tables[1][XYXY].to_numpy()).max(initial=0))


def split(_: argparse.Namespace, folder: Path) -> None:
    """The default splitter on drawn photos."""
    root = folder / "drawn"
    generate_dataset(root, 128, 0)
    config = DataConfig(prepared=str(folder / "prepared"))
    dataset = check_dataset(root, config).dataset
    started = time.perf_counter()
    result = split_dataset(dataset, SplitConfig(), config.near_duplicate_bits, 0)
    seconds = time.perf_counter() - started
    say("splitting 128 photos, 200 tries", f"{seconds:.2f} s")
    crossing = sum(map(len, result.certificate["crossing"].values()))
    say("groups that cross the split", str(crossing))


def module(name: str) -> ModuleType:
    """A helper of the data tests, which are no package."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, TESTS / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(TESTS / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def say(what: str, figure: str) -> None:
    """One line a figure."""
    print(f"{what}: {figure}", flush=True)


PARTS: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    part.__name__: part for part in (tables, photos, pairs, kills, corruptions, trips, split)
}


def main() -> None:
    """Run the parts asked for, each in a folder of its own that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--raccoon", type=Path, help="a set of real photos in Pascal VOC")
    parser.add_argument("--photos", type=int, default=1000)
    arguments = parser.parse_args()
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](arguments, Path(folder))


if __name__ == "__main__":
    main()
