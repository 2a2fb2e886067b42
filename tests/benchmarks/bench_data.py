"""What the data room claims, measured: one line a figure.

python tests/benchmarks/bench_data.py [--only PART ...] [--raccoon DIR]

Parts: tables (checks of a million boxes, against a loop over rows), photos (measuring on all cores,
and again from the cache), pairs (near-duplicates in a set of real photos; needs --raccoon, a folder
in Pascal VOC), kills (intakes killed at 20 file operations), corruptions (270 broken batches and 30
broken archives), trips (COCO, VOC and YOLO there and back), split (time of the splitter).
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import ModuleType

import numpy as np
from PIL import Image
from row_loop import loop_over_rows, raw_tables

from sparrow.config import DataConfig, SplitConfig
from sparrow.data.checks.measure import measure_photos
from sparrow.data.checks.report import RULES
from sparrow.data.checks.run import check_dataset, check_tables
from sparrow.data.duplicates import near_duplicate_pairs
from sparrow.data.errors import DataError
from sparrow.data.formats.exchange import export_dataset, read_csv
from sparrow.data.formats.imports import Target, import_set, read_set
from sparrow.data.ingest.download import download_dataset
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.split.split import split_dataset
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.data.tables import XYXY, Dataset

TESTS = Path(__file__).parents[1]


def tables(arguments: argparse.Namespace, _: Path) -> None:
    """Schema and cross-table checks at 10⁴ to 10⁶ boxes, and a loop over rows.

    All of it runs in one thread, so its processor time is its time on an idle core.
    """
    config, costs = DataConfig(), {}
    check_tables(*raw_tables(10), config)  # pandera's own start is not the tables' cost
    for photos in (1_000, 10_000, 100_000):
        info, boxes = raw_tables(photos)
        with cost() as costs[photos]:
            violations = check_tables(info, boxes, config)
        say(f"checks of {photos:,} photos, {len(boxes):,} boxes", str(costs[photos]))
        assert not violations
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    say("peak memory of the process, tables included", f"{peak:.2f} GB")
    growth = costs[100_000].cpu_s / costs[10_000].cpu_s
    say("cost of ten times the boxes, 10⁵ to 10⁶", f"{growth:.1f} ×")
    info, boxes = raw_tables(arguments.loop_photos)
    with cost() as vectorised:
        check_tables(info, boxes, config)
    with cost() as loop:
        loop_over_rows(info, boxes, config)
    ratio = loop.cpu_s / vectorised.cpu_s
    say(f"the same rules in a loop over {len(boxes):,} rows", f"{loop}, {ratio:.0f} × the checks'")


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
    cores = len(os.sched_getaffinity(0))
    one, all_cores, cached, seen = [], [], [], []
    for number in range(arguments.repeats):  # in turn, so that a busy machine is busy for both
        with cost() as took:
            measure_photos(images, names, folder / f"one {number}", 1)
        one.append(took)
        cache = folder / f"all {number}"
        with cost() as took:
            measure_photos(images, names, cache, cores, lambda *at: seen.append(at))
        all_cores.append(took)
        with cost() as took:
            measure_photos(images, names, cache, cores)
        cached.append(took)
    for what, costs in (("one process", one), (f"{cores} processes", all_cores)):
        wall, cpu = median(c.wall_s for c in costs), median(c.cpu_s for c in costs)
        say(f"measuring {len(names):,} photos in {what}, median", str(Cost(wall, cpu)))
    ratios = [a.wall_s / b.wall_s for a, b in zip(one, all_cores, strict=True)]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    say(f"{cores} processes against one, median of {listed}", f"{median(ratios):.2f} ×")
    say("progress was shown so often", f"{len(seen) / arguments.repeats:.0f} times a run")
    shares = [a.wall_s / b.wall_s for a, b in zip(cached, all_cores, strict=True)]
    say("the second run's share of the first", f"{median(shares):.1%}")


@dataclass
class Cost:
    """Seconds by the clock, and of processors: this process's and those of ended children."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.wall_s:.2f} s ({self.cpu_s:.2f} s of processor time)"


@contextlib.contextmanager
def cost() -> Iterator[Cost]:
    """The cost of a block, known when it ends."""
    took, wall, cpu = Cost(), time.perf_counter(), sum(os.times()[:4])
    yield took
    took.wall_s, took.cpu_s = time.perf_counter() - wall, sum(os.times()[:4]) - cpu


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
    sets = module("photo_sets")
    sets.PhotoSet(folder / "raw", 6).write()
    sets.PhotoSet(folder / "new", 4, first=100, prefix="new_").write()
    command = [
        sys.executable,
        str(TESTS / "data" / "ingest" / "kill_ingest.py"),
        str(folder),
        "20",
        "1",
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    results = [json.loads(line) for line in out.splitlines()]
    say("killed intakes that left a valid set", f"{sum(r['valid'] for r in results)} of 20")
    say("killed intakes completed by the next", f"{sum(r['completed'] for r in results)} of 20")


def corruptions(_: argparse.Namespace, folder: Path) -> None:
    """270 broken batches and 30 broken archives: each must be refused, and nothing be changed."""
    sets, ways = module("photo_sets"), module("data/corruptions").CORRUPTIONS
    corrupt_archive = module("data/zip_corruptions").corrupt_archive
    refused = tracebacks = changed = 0
    for number in range(300):
        place, rng = folder / str(number), np.random.default_rng(number)
        raw = sets.PhotoSet(place / "raw", 6).write()
        new = sets.PhotoSet(place / "new", 4, first=100, prefix="new_").write()
        archive = place / "set.zip"
        name = list(ways)[number % len(ways)]
        if number < 270:
            ways[name](new, "new_", rng)
        else:
            name = corrupt_archive(raw, archive, rng)
        before = content(raw)
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
            if number < 270:
                ingest_new(config)
            else:
                download_dataset(place / "fetched", archive)
            print(f"  {name} {number}: not noticed", file=sys.stderr)
        except DataError as error:
            named = (*RULES, str(new), str(archive), "the archive")
            refused += any(text in str(error) for text in named)
        except Exception as error:
            tracebacks += 1
            print(f"  {name} {number}: {type(error).__name__}: {error}", file=sys.stderr)
        changed += content(raw) != before or (place / "fetched").exists()
    say("corruptions refused by rule or with a clear reason", f"{refused} of 300")
    say("corruptions that ended in a traceback", str(tracebacks))
    say("corruptions that changed the raw set or left a partial one", str(changed))


def trips(arguments: argparse.Namespace, folder: Path) -> None:
    """Sets exported, read back and compared box by box."""
    drawn = folder / "drawn"
    generate_dataset(drawn, SyntheticSettings(40, seed=0))
    sources = {"drawn photos": read_csv(drawn)}
    if arguments.raccoon is not None:
        import_set("voc", arguments.raccoon, Target(folder / "raccoon"))
        sources["real photos"] = read_csv(folder / "raccoon")
    for title, dataset in sources.items():
        for kind in ("coco", "voc", "yolo", "csv"):
            place = folder / f"{title} {kind}"
            export_dataset(kind, dataset, place)
            worst = largest_difference(dataset, read_set(kind, place).dataset)
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
    generate_dataset(root, SyntheticSettings(128, seed=0))
    config = DataConfig(prepared=str(folder / "prepared"))
    dataset = check_dataset(root, config).dataset
    started = time.perf_counter()
    result = split_dataset(dataset, SplitConfig(), config.near_duplicate_bits, 0)
    seconds = time.perf_counter() - started
    say("splitting 128 photos, 200 tries", f"{seconds:.2f} s")
    crossing = sum(map(len, result.report["crossing"].values()))
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
    parser.add_argument("--loop-photos", type=int, default=100_000, help="of the loop over rows")
    parser.add_argument("--repeats", type=int, default=3, help="of the photos part")
    arguments = parser.parse_args()
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](arguments, Path(folder))


if __name__ == "__main__":
    main()
