"""The options of ``sparrow count``, and what is refused before any work."""

from __future__ import annotations

import argparse
from pathlib import Path

from sparrow.cli.count_output import FORMATS
from sparrow.cli.counted_folder import VisitOptions
from sparrow.cli.export_options import add_export_options, check_export_options
from sparrow.inference.tile_choice import Tiles, parse_tiles
from sparrow.visits.visits import VISIT_SECONDS

SHARD_PHOTOS = 1000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all options."""
    parser.add_argument(
        "photos", nargs="+", type=given_place, metavar="PHOTO", help="files, folders or s3://…"
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="folders in folders too")
    parser.add_argument(
        "--to",
        type=given_place,
        metavar="FILE",
        help="counts as .csv, .json or .parquet; of an archive into s3://… or a folder that ends "
        "in /, too",
    )
    parser.add_argument(
        "--megadetector", action="store_true", help="write the .json in MegaDetector's batch format"
    )
    parser.add_argument("--annotated", type=Path, metavar="DIR", help="photos with boxes drawn in")
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes (all cores; with --engine ray all of its cluster)",
    )
    parser.add_argument(
        "--model", type=given_place, metavar="DIR", help="model folder (the champion)"
    )
    add_tiles_option(parser)
    _add_archive_options(parser)
    _add_visit_options(parser)
    add_export_options(parser)


def given_place(text: str) -> Path | str:
    """A path; an address, or a folder that is to be written, stays the text that was given."""
    return text if "://" in text or text.endswith("/") else Path(text)


def is_archive(arguments: argparse.Namespace) -> bool:
    """Whether photos are counted shard by shard, from or into a store."""
    places = [*arguments.photos, arguments.model]
    addressed = any(isinstance(place, str) and "://" in place for place in places)
    return addressed or isinstance(arguments.to, str) or arguments.engine is not None


def _add_archive_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("archives", "photos in shards: see docs/scale.md")
    group.add_argument(
        "--engine",
        choices=("local", "metaflow", "ray"),
        help="who counts the shards: this process, flows/count.py, Ray Data (local, where an "
        "address of S3 or a folder behind --to asks for shards)",
    )
    group.add_argument(
        "--shard-photos",
        type=int,
        default=SHARD_PHOTOS,
        metavar="N",
        help=f"photos that are counted together, and again together ({SHARD_PHOTOS})",
    )


def add_tiles_option(parser: argparse.ArgumentParser) -> None:
    """Add the choice of tiles."""
    parser.add_argument(
        "--tiles",
        type=_tiles,
        metavar="auto|none|N",
        help="look for small objects in tiles of large photos, too, which is many times as slow: N "
        "is the side in pixels of the smallest, auto the model's own smallest box (none)",
    )


def _tiles(text: str) -> Tiles:
    try:
        return parse_tiles(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_visit_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("visits", "the most at once per visit, hour, day and camera")
    group.add_argument("--visits", type=Path, metavar="FILE", help="write them as .csv")
    group.add_argument("--report", type=Path, metavar="FILE", help="write all of it as one .html")
    group.add_argument(
        "--visit-seconds",
        type=float,
        default=VISIT_SECONDS,
        metavar="N",
        help=f"photos of one camera with a longer gap are of different visits ({VISIT_SECONDS:g})",
    )
    group.add_argument(
        "--camera",
        choices=("auto", "folder", "exif"),
        default="auto",
        help="what tells cameras apart: the body in EXIF, else model and folder (auto), or one",
    )
    _add_less_common(group)


def _add_less_common(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--file-times",
        action="store_true",
        help="take a file's own time where neither EXIF nor name tells one",
    )
    group.add_argument(
        "--gps",
        action="store_true",
        help="write the places that EXIF tells into --to and --camtrap-dp",
    )
    group.add_argument(
        "--fixed-places",
        type=Path,
        metavar="DIR",
        help="write places where most photos show the same detection, with pictures",
    )
    group.add_argument(
        "--exclude",
        type=Path,
        metavar="FILE",
        help="leave out the detections at the places of this places.csv",
    )


def visit_options(arguments: argparse.Namespace) -> VisitOptions:
    """How photos are put into visits."""
    return VisitOptions(
        arguments.visit_seconds, arguments.camera, arguments.file_times, arguments.gps
    )


def check_options(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be written.

    Raises:
        ValueError: the option and what it expects.
    """
    to = arguments.to
    if to is not None and to.suffix.lower() not in FORMATS:
        raise ValueError(f"--to {to}: expected a name ending in {', '.join(FORMATS)}")
    if to is not None and to.suffix.lower() == ".parquet":
        import pandas  # noqa: F401 here, and not after an hour's counting
        import pyarrow  # noqa: F401
    if arguments.megadetector and (to is None or to.suffix.lower() != ".json"):
        raise ValueError("--megadetector needs --to with a name ending in .json")
    if arguments.gps and (to is None or arguments.megadetector) and not arguments.camtrap_dp:
        raise ValueError(
            "--gps needs --to with a table of counts, or --camtrap-dp: it adds to them"
        )
    check_export_options(arguments)
    if arguments.report is not None:
        import sparrow.reports.templates  # noqa: F401 needs Jinja2, which bare counting does not
    if arguments.workers is not None and arguments.workers < 1:
        raise ValueError(f"--workers {arguments.workers}: expected at least 1")
    if not arguments.visit_seconds >= 0:
        raise ValueError(f"--visit-seconds {arguments.visit_seconds}: expected 0 or more")
    for option, suffix in (("visits", ".csv"), ("report", ".html")):
        path = getattr(arguments, option)
        if path is not None and path.suffix.lower() != suffix:
            raise ValueError(f"--{option} {path}: expected a name ending in {suffix}")
