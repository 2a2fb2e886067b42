"""Does the count interval keep its word on a real model? Drawn photos it has never seen.

python tests/benchmarks/bench_coverage.py --model .sparrow/champion

The first row is the model folder as it serves: its count model was fitted on the validation photos
of its own training. The others fit the count model anew on so many further drawn photos, several
times each where they suffice, and show what more validation photos would buy.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sparrow.config import EvaluationConfig
from sparrow.data.formats.exchange import read_csv
from sparrow.data.split.groups import with_groups
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.data.tables import Dataset
from sparrow.evaluation.calibration import fit_count_model
from sparrow.evaluation.count_check import CountCheck, check_count_model
from sparrow.evaluation.counting import CountModel
from sparrow.evaluation.matching import flatten
from sparrow.inference.engine import Engine, detect_files
from sparrow.reports.figures import reliability_png

IN_ALL = 400  # photos kept for fitting
FITTED_ON = (50, 100, 200, IN_ALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"), metavar="DIR")
    parser.add_argument("--photos", type=int, default=2000, help="to test on")
    parser.add_argument("--seed", type=int, default=4242, help="other than the training's")
    parser.add_argument("--into", type=Path, help="where to draw the photos, or where they are")
    parser.add_argument("--figure", type=Path, help="write the reliability diagram here (.png)")
    arguments = parser.parse_args()
    engine = Engine(arguments.model.resolve())
    classes, threshold = engine.info.class_names, engine.info.threshold
    own = engine.info.load_count_model()
    if own is None:
        sys.exit(f"{arguments.model} has no count model; evaluate it first")
    config = EvaluationConfig(count_confidence=own.confidence, iou=own.iou)
    with tempfile.TemporaryDirectory() as scratch:
        drawn = draw(arguments.into or Path(scratch) / "raw", arguments.photos, arguments.seed)
        files = [(name, drawn.image_path(name)) for name in drawn.images["image"]]
        found = detect_files(engine, files, lambda *n: show("counted", *n))
    test = part(drawn, IN_ALL, len(drawn.images))
    tested = flatten(test, found, classes)
    print(f"photos tested on: {len(test.images)}, of {test.images['author'].nunique()} authors")
    check = check_count_model(own, tested)
    tell(f"its own {own.photos} validation photos", own, check)
    for photos in FITTED_ON:
        for fresh in parts(drawn, photos):
            flat = flatten(with_groups(fresh), found, classes)
            model = fit_count_model(flat, threshold, config)
            tell(f"{photos} others", model, check_count_model(model, tested))
    if arguments.figure is not None:
        arguments.figure.write_bytes(reliability_png(check.reliability))


def draw(root: Path, photos: int, seed: int) -> Dataset:
    """The photos to test on and ``IN_ALL`` to fit on, drawn where they are not there yet."""
    if not root.exists():
        settings = SyntheticSettings(photos + IN_ALL, seed)
        generate_dataset(root, settings, progress=lambda *n: show("drawn", *n))
    return read_csv(root)


def part(drawn: Dataset, start: int, stop: int) -> Dataset:
    images = drawn.images.iloc[start:stop].reset_index(drop=True)
    boxes = drawn.boxes[drawn.boxes["image"].isin(images["image"])].reset_index(drop=True)
    return Dataset(drawn.root, images, boxes)


def parts(drawn: Dataset, photos: int) -> Iterator[Dataset]:
    """Disjoint sets of so many of the first ``IN_ALL`` photos."""
    for start in range(0, IN_ALL - photos + 1, photos):
        yield part(drawn, start, start + photos)


def tell(fitted_on: str, model: CountModel, check: CountCheck) -> None:
    result = {
        "fitted_on": fitted_on,
        "curve": model.method,
        "promised": model.confidence,
        "covered": round(check.coverage, 4),
        "standard_error": round(float(np.sqrt(0.09 / check.photos)), 4),
        "mean_width": round(check.mean_width, 2),
        "count_exact": round(check.exact, 3),
        "calibration_error": round(check.reliability.error, 4),
    }
    print(json.dumps(result), flush=True)


def show(verb: str, done: int, photos: int) -> None:
    if done % 200 == 0 or done == photos:
        print(f"{verb} {done} of {photos} photos", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
