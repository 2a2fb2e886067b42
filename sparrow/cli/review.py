"""``sparrow review`` and ``sparrow missed``: photos to label, and the miss rate by their labels."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.project import add_config_option, find_project
from sparrow.config import Config
from sparrow.progress import show_progress
from sparrow.served_settings import registered_version
from sparrow.store_url import hide_secrets

if TYPE_CHECKING:
    from sparrow.inference.model_folder import ModelInfo
    from sparrow.predictions.corrections import CorrectedBox
    from sparrow.predictions.window import Window
    from sparrow.review.selection import Selection

CHAMPION, STARTER = "champion", "starter"
RANDOM_EMPTY = 59  # if none of them holds an object, at most 5 % of all do, with 95 % confidence


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    _register_review(subparsers)
    missed = subparsers.add_parser(
        "missed",
        help="how many photos called empty hold objects, by the labels of a review queue",
        description="The share of photos without a detection that hold objects after all, with an "
        "exact upper bound, from the random part of a queue and its corrected labels.",
    )
    missed.add_argument("queue", type=Path, metavar="QUEUE", help="folder of `sparrow review`")
    missed.add_argument(
        "labels", nargs="?", type=Path, metavar="LABELS",
        help="the corrected COCO file or its folder (the queue itself)",
    )  # fmt: skip
    missed.set_defaults(func=show_missed)


def _register_review(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    review = subparsers.add_parser(
        "review",
        help="pick photos from production that are worth labelling",
        description="Pick photos worth labelling from the prediction log and the photos that the "
        "service kept (service.keep_fraction), or from a folder, and write them with the model's "
        "boxes as COCO. What a labelling tool makes of it comes back with `sparrow import coco`.",
    )
    review.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="photos, not a log")
    review.add_argument(
        "--model", default=CHAMPION, metavar="MODEL",
        help="whose boxes: champion, starter (the newest of `sparrow start`), or a model folder",
    )  # fmt: skip
    review.add_argument("--into", type=Path, metavar="DIR", help="to make (data/review/<time>)")
    review.add_argument(
        "--photos", type=int, default=100, metavar="N",
        help="at most so many for feedback, low scores, conflicts and unusual statistics (100)",
    )  # fmt: skip
    review.add_argument(
        "--random-empty", type=int, default=RANDOM_EMPTY, metavar="N",
        help=f"so many more at random of those without a detection ({RANDOM_EMPTY})",
    )  # fmt: skip
    review.add_argument("--newest", type=int, default=10_000, metavar="N", help="looked at (10000)")
    review.add_argument("--seed", type=int, default=0, metavar="S", help="of random parts (0)")
    for name in ("author", "source", "license"):
        review.add_argument(
            f"--{name}", default="unknown", help=f"{name} of the photos, which the log cannot know"
        )
    add_config_option(review)
    review.set_defaults(func=make_queue)


@dataclass(frozen=True)
class _Source:
    """Counted photos and their files, by prediction id."""

    window: Window
    files: dict[str, Path]
    corrected: dict[str, tuple[CorrectedBox, ...]] = field(default_factory=dict)


def make_queue(arguments: argparse.Namespace) -> int:
    """Select photos, write the queue, and print its content and the next steps."""
    from sparrow.inference.model_folder import read_info
    from sparrow.review.queue import QueueSource, Rights, write_queue

    if min(arguments.photos, arguments.random_empty) < 0 or arguments.newest < 1:
        raise ValueError("--photos and --random-empty must not be negative, --newest at least 1")
    config = find_project(arguments.config)
    model = _model_folder(arguments.model, config)
    info = read_info(model)
    if arguments.folder is None:
        source = _from_log(config, model, info.name, arguments.newest)
    else:
        source = _from_folder(arguments.folder, model)
    selection = _select(arguments, source, model, info)
    if not selection.photos:
        print(f"None of {len(source.files)} photos is worth a second look.")
        return 0
    into = arguments.into or Path("data/review") / datetime.now().strftime("%Y%m%dT%H%M%S")
    rights = Rights(arguments.author, arguments.source, arguments.license)
    show = show_progress("copied", to=sys.stderr, lines=False)
    photos = QueueSource(source.window, source.files, info.class_names, rights, source.corrected)
    write_queue(into, selection.photos, photos, show)
    _report(into, selection, info, config)
    return 0


def _model_folder(named: str, config: Config) -> Path:
    if named == STARTER:
        from sparrow.pipeline.starter_champion import newest_starter

        return newest_starter(config)
    return Path(config.stores.champion if named == CHAMPION else named).resolve()


def _select(
    arguments: argparse.Namespace, source: _Source, model: Path, info: ModelInfo
) -> Selection:
    from sparrow.inference.model_folder import REFERENCE
    from sparrow.predictions.window import read_reference
    from sparrow.review.selection import SelectionLimits, select

    reference = model / REFERENCE
    return select(
        source.window,
        read_reference(reference) if reference.is_file() else None,
        source.files,
        info.threshold,
        SelectionLimits(
            arguments.photos,
            arguments.random_empty,
            arguments.seed,
            at_random=info.starter is not None,
        ),
    )


def show_missed(arguments: argparse.Namespace) -> int:
    """Print the share of missed photos and its bound."""
    from sparrow.review.miss_rate import miss_rate
    from sparrow.review.queue import corrected_labels, random_sample

    sample = random_sample(arguments.queue)
    labels = corrected_labels(arguments.queue, arguments.labels or arguments.queue)
    print(miss_rate(sample, labels).words())
    return 0


def _from_log(config: Config, model: Path, name: str, newest: int) -> _Source:
    """The newest photos that this champion counted, of which those count whose files were kept."""
    from sparrow.predictions.corrections import read_correction
    from sparrow.predictions.log import PredictionLog
    from sparrow.predictions.photo_filter import PhotoFilter
    from sparrow.predictions.window import read_window

    version = registered_version(model)
    log = PredictionLog(config.stores.prediction_log)
    try:
        window = read_window(log, PhotoFilter(name, version), limit=newest)
        known = [
            f"{row['photos']} of {row['model_name']} version {row['model_version']}"
            for row in log.model_versions()
        ]
    finally:
        log.close()
    if window.photos.empty:
        there = ", ".join(known) or "no photo"
        raise ValueError(
            f"the log {hide_secrets(config.stores.prediction_log)} holds no photo of the champion, "
            f"{name} version {version}; it holds {there}"
        )
    files = _kept_files(config, window)
    folder = Path(config.service.keep_folder)
    corrected = {name: read_correction(folder, name) for name in files}
    return _Source(window, files, {name: b for name, b in corrected.items() if b is not None})


def _kept_files(config: Config, window: Window) -> dict[str, Path]:
    """Files of the photos that the service kept, by prediction id."""
    folder = Path(config.service.keep_folder)
    files = {name: folder / f"{name}.photo" for name in window.photos["id"]}
    files = {name: path for name, path in files.items() if path.is_file()}
    if not files:
        raise ValueError(
            f"{len(window.photos)} photos are in the log, but none was kept in {folder}: set "
            "service.keep_fraction (for example 0.1) and serve again, or name a folder of photos: "
            "sparrow review FOLDER"
        )
    return files


def _from_folder(folder: Path, model: Path) -> _Source:
    """Photos of a folder, counted now; those that cannot be read are named and left out."""
    from sparrow.cli.count_report import say_left_out
    from sparrow.data.checks.photo_record import read_photo_bytes
    from sparrow.images import ImageError
    from sparrow.inference.counter import PhotoCounter
    from sparrow.inference.photo_files import find_photos
    from sparrow.predictions.window import window_of

    if not folder.is_dir():
        raise ValueError(f"{folder}: there is no such folder")
    counter = PhotoCounter(model)
    listing = find_photos([folder], recursive=True)
    say_left_out(listing)
    photos = listing.photos
    show = show_progress("counted", to=sys.stderr, lines=False)
    records, files = [], {}
    for number, path in enumerate(photos, 1):
        try:
            counted, _ = counter.count(read_photo_bytes(path), path.name, "cli")
            message = counted.message
        except (OSError, ImageError) as error:  # empty, no right to read it, or no file at all
            message = str(error)
        if message:
            print(f"sparrow review: {path}: {message}", file=sys.stderr)
            continue
        records.append(counted.record)
        files[counted.record.id] = path
        show(number, len(photos))
    return _Source(window_of(records), files)


def _report(into: Path, selection: Selection, info: ModelInfo, config: Config) -> None:
    from sparrow.data.review_labels import LABELS
    from sparrow.review.miss_rate import CONFIDENCE, upper_bound

    kinds: dict[str, int] = {}
    for photo in selection.photos:
        for reason in photo.reasons:
            kind = reason.split(":")[0]
            kinds[kind] = kinds.get(kind, 0) + 1
    sample = sum(photo.random_empty for photo in selection.photos)
    print(f"{len(selection.photos)} photos in {into}:")
    for kind, n in kinds.items():
        print(f"  {n:>4}  {kind}")
    if sample:
        print(
            f"If none of the {sample} random ones of {selection.empty_photos} without a detection "
            f"holds an object, at most {upper_bound(0, sample):.1%} of them do "
            f"({CONFIDENCE:.0%} confidence)."
        )
    classes = ", ".join(info.class_names)
    print(f"Correct the boxes of {into / LABELS} ({classes}) in a labelling tool,")
    print("put its COCO export in the file's place, then:")
    if sample:
        print(f"  sparrow missed {into}")
    root, new = config.data.root, f"--new --into {config.data.new}"
    print(f"  sparrow import coco {into} {new if Path(root).exists() else f'--into {root}'}")
