"""Small birds in large photos, seen whole and in tiles: recall, neighbours, cost.

    python tests/benchmarks/bench_tiles.py --model .sparrow/champion --photos 12 --tiles 64 auto 20

The photos are drawn. What was measured of a photo is kept in ``--home``, and a second call goes on.
With ``--fit auto`` the count's interval is fitted on every other photo, and checked on the rest:

    python tests/benchmarks/bench_tiles.py --width 1280 --photos 60 --tiles auto --fit auto
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from small_object_photos import SMALL_PX, SmallObjectPhoto, draw_small_objects

from sparrow.boxes import box_iou
from sparrow.config import EvaluationConfig
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.evaluation.calibration import fit_count_model
from sparrow.evaluation.count_check import check_count_model
from sparrow.evaluation.matching import FlatDetections, flatten
from sparrow.images import RgbImage
from sparrow.inference.engine import Engine
from sparrow.inference.tile_choice import TileChoice, Tiles, parse_tiles
from sparrow.inference.tile_plan import plan_tiles
from sparrow.inference.tiled_detection import detect_in_tiles

NAME = "house_sparrow"
MIDDLE_PX = sum(SMALL_PX) / 2
Row = dict[str, Any]  # Any: of JSON


class Photo(NamedTuple):
    """Which photo is drawn (``draw_small_objects``)."""

    seed: int
    index: int
    width_px: int


def main() -> None:
    """Measure what is not measured yet, and print the table."""
    arguments = parse_arguments()
    home = arguments.home or Path(tempfile.mkdtemp(prefix="sparrow-tiles-"))
    engine = Engine(arguments.model)
    choices = [None, *(parse_tiles(text) for text in arguments.tiles)]
    photos = [Photo(arguments.seed, i, arguments.width) for i in range(arguments.photos)]
    for photo in photos:
        measure_photo(engine, home, photo, choices)
    for tiles in choices:
        rows = [read(home, photo, tiles) for photo in photos]
        print(summary(tiles, rows, engine.info.threshold), flush=True)
        if tiles is not None and tiles == parse_tiles(arguments.fit):
            print(interval(rows, engine), flush=True)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"))
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--width", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--tiles", nargs="*", default=["64", "auto", "20"])
    parser.add_argument("--fit", default="none", help="tiles whose interval is fitted")
    parser.add_argument("--home", type=Path, help="folder of what was measured")
    return parser.parse_args()


def place(home: Path, photo: Photo, tiles: Tiles) -> Path:
    """The file of what was measured of a photo."""
    return home / f"{'-'.join(map(str, photo))}-{tiles or 'none'}.json"


def read(home: Path, photo: Photo, tiles: Tiles) -> Row:
    """What was measured of a photo."""
    row: Row = json.loads(place(home, photo, tiles).read_text())
    return row


def measure_photo(engine: Engine, home: Path, photo: Photo, choices: list[Tiles]) -> None:
    """Draw a photo and count it in each way that is not measured yet."""
    home.mkdir(parents=True, exist_ok=True)
    left = [tiles for tiles in choices if not place(home, photo, tiles).exists()]
    if not left:
        return
    drawn = draw_small_objects(*photo)
    true = {"true": drawn.boxes_xyxy.tolist(), "pairs": drawn.pairs}
    for tiles in left:
        row = true | detect(engine, drawn.pixels, tiles)
        row["alone"] = alone(engine, drawn, tiles)
        place(home, photo, tiles).write_text(json.dumps(row))
        print(photo.index, tiles, f"{row['ms']:.0f} ms of the processor", flush=True)


def detect(engine: Engine, image: RgbImage, tiles: Tiles) -> Row:
    """Detections in a photo, the processor's time and the number of tiles."""
    info, began = engine.info, time.process_time()
    plan = plan_tiles(info, image.shape[1], image.shape[0], TileChoice(tiles))
    if plan is None:
        detections = engine.detect(image)
    else:
        seen = detect_in_tiles(image, engine.detect, plan, info.threshold, info.max_objects)
        detections = seen.detections
    return {
        "ms": 1000 * (time.process_time() - began),
        "tiles": plan.tiles if plan else 0,
        "boxes": detections.boxes_xyxy.tolist(),
        "scores": detections.scores.tolist(),
        "labels": detections.labels.tolist(),
    }


def detections_of(row: Row) -> Detections:
    """As they were detected."""
    return Detections(np.array(row["boxes"]), np.array(row["scores"]), np.array(row["labels"]))


def flat_of(rows: list[Row]) -> FlatDetections:
    """Detections and true boxes of some photos."""
    names = [f"{i}.jpg" for i in range(len(rows))]
    boxes = [(n, NAME, *box) for n, row in zip(names, rows, strict=True) for box in row["true"]]
    images = pd.DataFrame({"image": names, "group": names})
    dataset = Dataset(
        Path("nowhere"), images, pd.DataFrame(boxes, columns=["image", "label", *XYXY])
    )
    own = {n: detections_of(row) for n, row in zip(names, rows, strict=True)}
    return flatten(dataset, own, [NAME])


def summary(tiles: Tiles, rows: list[Row], threshold: float) -> str:
    """One line of the table."""
    flat = flat_of(rows)
    kept = flat.above(threshold)
    matched = np.where(kept, flat.matched([0.5])[0], -1)
    hit = np.zeros(len(flat.truth_label), dtype=bool)
    hit[matched[matched >= 0]] = True
    sides = np.concatenate([_long_sides(row["true"]) for row in rows])
    groups = {
        f"below {MIDDLE_PX:g} px": sides < MIDDLE_PX,
        f"{MIDDLE_PX:g} to 60 px": (sides >= MIDDLE_PX) & (sides < 60),
        "larger": sides >= 60,
    }
    recalls = [f"{name} {hit[own].sum()} of {own.sum()}" for name, own in groups.items()]
    false = int((kept & (matched < 0)).sum())
    passes = sum(row["tiles"] + 1 for row in rows)
    ms = sum(row["ms"] for row in rows)
    return (
        f"tiles {tiles or 'none'}: {', '.join(recalls)}; {false / len(rows):.1f} false a photo; "
        f"{pairs_in_words(rows, threshold)}; {rows[0]['tiles']} tiles, {ms / len(rows):.0f} ms a "
        f"photo, {ms / passes:.1f} a tile"
    )


def _long_sides(boxes: list[list[float]]) -> np.ndarray:
    array = np.array(boxes).reshape(-1, 4)
    return np.maximum(array[:, 2] - array[:, 0], array[:, 3] - array[:, 1])


def pairs_in_words(rows: list[Row], threshold: float) -> str:
    """Of close pairs: both found, one, none, and those that one box holds, by tiles and alone."""
    said = []
    for what, name in (("", "boxes"), ("in a part of the photo around each: ", "alone")):
        found = [0, 0, 0, 0]
        for row in rows:
            true = np.array(row["true"]).reshape(-1, 4)
            for number, (first, second) in enumerate(row["pairs"]):
                if name == "alone":
                    boxes = np.array(row["alone"][number]).reshape(-1, 4)
                else:
                    boxes = detections_of(row).above(threshold).boxes_xyxy
                hits = (box_iou(true[[first, second]], boxes) >= 0.4).any(axis=1).sum()
                found[2 - int(hits)] += 1
                held = _held(true[first], boxes) & _held(true[second], boxes)
                found[3] += bool(held.any()) and hits < 2
        said.append(f"{what}both {found[0]}, one {found[1]}, none {found[2]}, fused {found[3]}")
    return f"{sum(len(row['pairs']) for row in rows)} pairs: {'; '.join(said)}"


def _held(true: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """[N] whether boxes hold most of an object."""
    sides = np.minimum(true[2:], boxes[:, 2:]) - np.maximum(true[:2], boxes[:, :2])
    shared = sides.clip(min=0).prod(axis=1)
    return np.asarray(shared >= 0.7 * (true[2:] - true[:2]).prod())


def alone(engine: Engine, photo: SmallObjectPhoto, tiles: Tiles) -> list[list[list[float]]]:
    """What is found of each pair in one tile of the finest scale with the pair in its middle."""
    size = photo.pixels.shape[1], photo.pixels.shape[0]
    plan = plan_tiles(engine.info, *size, TileChoice(tiles))
    if plan is None:
        return [[] for _ in photo.pairs]
    tile, answers = plan.scales[-1].tiles[0], []
    width, height = tile.right - tile.left, tile.bottom - tile.top
    for first, second in photo.pairs:
        middle = photo.boxes_xyxy[[first, second]].reshape(-1, 2).mean(axis=0)
        left = int(np.clip(middle[0] - width / 2, 0, size[0] - width))
        top = int(np.clip(middle[1] - height / 2, 0, size[1] - height))
        part = photo.pixels[top : top + height, left : left + width]
        own = engine.detect(part, plan.enlarged).above(engine.info.threshold).boxes_xyxy
        answers.append((own + np.array([left, top] * 2)).tolist())
    return answers


def interval(rows: list[Row], engine: Engine) -> str:
    """Coverage of the count's interval that is fitted on one half of the photos, on the other."""
    config, said = EvaluationConfig(), []
    for fitted, checked in ((rows[::2], rows[1::2]), (rows[1::2], rows[::2])):
        model = fit_count_model(flat_of(fitted), engine.info.threshold, config)
        check = check_count_model(model, flat_of(checked))
        said.append(f"{check.coverage:.0%} of {check.photos} photos, width {check.mean_width:.1f}")
    untiled = engine.info.load_count_model()
    if untiled is not None:
        check = check_count_model(untiled, flat_of(rows))
        said.append(f"with the model's own interval {check.coverage:.0%} of {check.photos}")
    return f"  fitted on one half, covered on the other: {'; '.join(said)}"


if __name__ == "__main__":
    main()
