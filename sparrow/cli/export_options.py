"""The options of ``sparrow count`` for other programs, and what is refused before any work."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.nearest_name import nearest_name

if TYPE_CHECKING:
    from sparrow.inference.model_folder import ModelInfo
    from sparrow.inference.photo_files import FoundPhotos
    from sparrow.interchange.deployments import Position, Whereabouts

JSON_FILES = ("label_studio", "coco", "coco_results")  # each written anew, never over a file
_PLACE = re.compile(r"(?:(?P<camera>.+)=)?(?P<latitude>[^,=]+),(?P<longitude>[^,=]+)\Z", re.DOTALL)


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("for other programs", "see docs/exports.md")
    group.add_argument("--camtrap-dp", type=Path, metavar="DIR", help="write a Camtrap-DP package")
    group.add_argument(
        "--timezone", metavar="ZONE",
        help="of cameras that do not tell it: Europe/Berlin or +02:00 (--camtrap-dp)",
    )  # fmt: skip
    group.add_argument(
        "--location", action="append", default=[], metavar="[CAMERA=]LAT,LON",
        help="where the cameras are, or one of them (--camtrap-dp)",
    )  # fmt: skip
    group.add_argument(
        "--species", action="append", default=[], metavar="CLASS=NAME",
        help="scientific name of a class (--camtrap-dp)",
    )  # fmt: skip
    group.add_argument(
        "--boxes-from", type=float, metavar="SCORE",
        help="boxes below the threshold, too, from this score on (--megadetector, --coco-results)",
    )  # fmt: skip
    for option, help_ in (
        ("--label-studio", "tasks with predictions"),
        ("--coco", "a data set in COCO's format"),
        ("--coco-results", "boxes as COCO's results, for the images of --coco"),
    ):
        group.add_argument(option, type=Path, metavar="FILE", help=f"write {help_} (.json)")
    _add_folders(group)


def _add_folders(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--sort-into", type=Path, metavar="DIR", help="sort copies or links of the photos into DIR"
    )
    group.add_argument(
        "--by", choices=("count", "class"), default="count", help="what --sort-into sorts by"
    )
    group.add_argument(
        "--link", choices=("copy", "hard", "symbolic"), default="copy",
        help="what --sort-into makes of each photo",
    )  # fmt: skip
    group.add_argument(
        "--xmp", type=Path, metavar="DIR",
        help="write keywords as sidecars; into the photos' own folder they are beside the photos",
    )  # fmt: skip
    group.add_argument(
        "--xmp-names", choices=("photo.jpg.xmp", "photo.xmp"), default="photo.jpg.xmp",
        help="how sidecars are named: as digiKam and darktable do, or as Lightroom does",
    )  # fmt: skip


def check_export_options(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be written.

    Raises:
        ValueError: the option and what it expects.
    """
    if arguments.camtrap_dp is not None:
        from sparrow.interchange.camtrap_package import refuse_other_files

        refuse_other_files(arguments.camtrap_dp)
        whereabouts(arguments)
    elif arguments.timezone or arguments.location or arguments.species:
        raise ValueError("--timezone, --location and --species need --camtrap-dp")
    if arguments.boxes_from is not None and not (arguments.megadetector or arguments.coco_results):
        raise ValueError("--boxes-from needs --megadetector or --coco-results")
    for name in JSON_FILES:
        _check_new_file("--" + name.replace("_", "-"), getattr(arguments, name))
    if arguments.sort_into is not None:
        _refuse_within(arguments.sort_into, arguments.photos)


def check_model(arguments: argparse.Namespace, info: ModelInfo) -> None:
    """Refuse what does not fit the model.

    Raises:
        ValueError: the option and what it expects.
    """
    for label in species(arguments):
        if label not in info.class_names:
            near = nearest_name(label, info.class_names)
            hint = f" (did you mean {near}?)" if near else ""
            raise ValueError(
                f"--species: the model has no class {label!r}{hint}; it has "
                f"{', '.join(info.class_names)}"
            )
    least, threshold = info.min_score, info.threshold
    if arguments.boxes_from is not None and not least <= arguments.boxes_from < threshold:
        raise ValueError(
            f"--boxes-from {arguments.boxes_from}: expected at least {least:g}, below which the "
            f"model keeps no box, and less than {threshold:g}, from which on boxes are counted"
        )


def species(arguments: argparse.Namespace) -> dict[str, str]:
    """Scientific names by class.

    Raises:
        ValueError: one is not told as ``CLASS=NAME``.
    """
    named = {}
    for text in arguments.species:
        label, _, name = text.partition("=")
        if not label or not name.strip():
            raise ValueError(
                f"--species {text}: expected CLASS=NAME, such as red_fox='Vulpes vulpes'"
            )
        named[label] = name.strip()
    return named


def whereabouts(arguments: argparse.Namespace) -> Whereabouts:
    """What a person tells of the cameras.

    Raises:
        ValueError: a place or a time zone is none.
    """
    from sparrow.interchange.deployments import Whereabouts
    from sparrow.interchange.time_zones import time_zone

    zone = None if arguments.timezone is None else time_zone(arguments.timezone)
    return Whereabouts(zone, dict(map(_place, arguments.location)), arguments.gps)


def written_files(arguments: argparse.Namespace) -> list[Path]:
    """Files that are about to be written, which are no photos to count and nothing to skip."""
    files = [getattr(arguments, name) for name in JSON_FILES]
    if arguments.camtrap_dp is not None:
        from sparrow.interchange.camtrap_package import FILES

        files += [arguments.camtrap_dp / name for name in FILES]
    return [file for file in files if file is not None]


def set_aside_sidecars(listing: FoundPhotos) -> None:
    """Sidecars that this program wrote beside photos are none of the files that it skips."""
    sidecars = [file for file in listing.skipped if file.path.suffix == ".xmp"]
    if not sidecars:
        return
    from sparrow.interchange.xmp_sidecar import is_ours

    ours = {file.path for file in sidecars if is_ours(file.path)}
    listing.skipped = [file for file in listing.skipped if file.path not in ours]
    listing.own += sorted(ours)


def _place(text: str) -> tuple[str, Position]:
    parts = _PLACE.match(text)
    try:
        if parts is not None:
            latitude, longitude = float(parts["latitude"]), float(parts["longitude"])
            if -90 <= latitude <= 90 and -180 <= longitude <= 180:
                return parts["camera"] or "", (latitude, longitude)
    except ValueError:
        pass
    raise ValueError(
        f"--location {text}: expected LATITUDE,LONGITUDE in degrees, such as 52.5,13.4, or "
        "CAMERA=LATITUDE,LONGITUDE"
    )


def _check_new_file(option: str, path: Path | None) -> None:
    if path is None:
        return
    if path.suffix.lower() != ".json":
        raise ValueError(f"{option} {path}: expected a name ending in .json")
    if path.exists():
        raise ValueError(
            f"{option} {path}: the file is there already; choose another name, or move it away"
        )


def _refuse_within(folder: Path, sources: Sequence[Path]) -> None:
    real = Path(os.path.realpath(folder))
    for source in sources:
        if source.is_dir() and real.is_relative_to(os.path.realpath(source)):
            raise ValueError(
                f"--sort-into {folder}: is in {source}, whose photos would be counted twice the "
                "next time; choose a folder outside it"
            )
