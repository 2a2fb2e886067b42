"""A Camtrap-DP 1.0.2 package: ``datapackage.json`` and its three tables.

What a person wrote into ``datapackage.json`` (contributors, project, licences) stays when the
package is written again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sparrow
from sparrow.atomic_file import atomic_file, write_atomic
from sparrow.image_formats import HEAD_BYTES, is_heif
from sparrow.interchange import camtrap_rows as table
from sparrow.interchange.camtrap_rows import Naming, Row
from sparrow.interchange.counted_file import CountedFile
from sparrow.interchange.deployments import Deployments, Whereabouts
from sparrow.regular_file import open_regular
from sparrow.visits.visits import Group

VERSION = "1.0.2"
DESCRIPTOR = "datapackage.json"
COLUMNS = {
    "deployments": table.DEPLOYMENTS,
    "media": table.MEDIA,
    "observations": table.OBSERVATIONS,
}
TABLES = tuple(COLUMNS)
FILES = (DESCRIPTOR, *(f"{name}.csv" for name in TABLES))
_SCHEMAS = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"
_MADE_BY = "sparrow count"
# Told by the photos; all else of a package that is there is a person's.
_TOLD = ("resources", "profile", "created", "sources", "spatial", "temporal", "taxonomic")


@dataclass(frozen=True)
class Package:
    """What a package is made of.

    Attributes:
        folder: to write to.
        title: of the project, as long as nobody gave it another.
        naming: of the classes.
        told: what a person tells of the cameras.
    """

    folder: Path
    title: str
    naming: Naming
    told: Whereabouts


def refuse_other_files(folder: Path) -> None:
    """Refuse a folder with files of a package that this program did not write.

    Raises:
        ValueError: there is one; it is named.
    """
    there = [name for name in FILES if (folder / name).exists()]
    if there and not _is_ours(_descriptor(folder)):
        raise ValueError(
            f"--camtrap-dp {folder}: {there[0]} is there and is of no package that sparrow count "
            "wrote; choose another folder"
        )


def write_package(
    package: Package, photos: Iterable[CountedFile], visits: Sequence[Group]
) -> Deployments:
    """Write a package, each file whole or not at all.

    Returns:
        The deployments, which know what could not be in the package.

    Raises:
        ValueError: see ``Deployments.check``; nothing is written then.
    """
    package.folder.mkdir(parents=True, exist_ok=True)
    deployments = Deployments(package.told)
    with ExitStack() as stack:
        stations, media, observations = (
            _Table(stack, package.folder / f"{name}.csv", COLUMNS[name]) for name in TABLES
        )
        events = _Events(package.naming)
        for photo in photos:
            taken = deployments.add(photo.name, photo.file, photo.capture)
            if taken is not None:
                media.add(table.media_row(photo, taken, media_type(photo.file)))
                observations.add_all(table.photo_rows(photo, taken, package.naming))
                events.add(photo, taken)
        deployments.check()
        observations.add_all(events.rows(visits))
        stations.add_all(deployments.rows())
    text = json.dumps(descriptor(package, deployments), indent=1, ensure_ascii=False) + "\n"
    write_atomic(package.folder / DESCRIPTOR, text)
    return deployments


class _Events:
    """When each visit was, by its photos, and which model told it."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._of: dict[int, tuple[datetime, datetime, Row]] = {}

    def add(self, photo: CountedFile, taken: datetime) -> None:
        if photo.visit is not None:
            first, last, _ = self._of.get(photo.visit, (taken, taken, {}))
            self._of[photo.visit] = min(first, taken), max(last, taken), table.made_by(photo)

    def rows(self, visits: Sequence[Group]) -> Iterator[Row]:
        for visit in visits:
            if visit.number in self._of:
                first, last, by = self._of[visit.number]
                yield from table.event_rows(visit, (first, last), by, self._naming)


class _Table:
    """A table that is in its place when the stack is left, and is none where that fails."""

    def __init__(self, stack: ExitStack, path: Path, columns: Sequence[str]) -> None:
        partial = stack.enter_context(atomic_file(path))
        file = stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
        # Not ``csv_line``: programs read these tables, and a mark before a name would change it.
        self._writer = csv.DictWriter(file, columns, lineterminator="\r\n")
        self._writer.writeheader()

    def add(self, row: Mapping[str, Any]) -> None:
        self._writer.writerow(row)

    def add_all(self, rows: Iterator[Row]) -> None:
        self._writer.writerows(rows)


def descriptor(package: Package, deployments: Deployments) -> dict[str, Any]:
    """The content of ``datapackage.json``."""
    rows = list(deployments.rows())
    places = sorted({(row["longitude"], row["latitude"]) for row in rows})
    species = sorted(set(package.naming.species.values()))
    kept = {key: value for key, value in _descriptor(package.folder).items() if key not in _TOLD}
    return {
        "resources": [_resource(name) for name in TABLES],
        "profile": f"{_SCHEMAS}/camtrap-dp-profile.json",
        "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "contributors": [{"title": _MADE_BY, "role": "contributor"}],
        "project": {
            "title": package.title,
            "samplingDesign": "opportunistic",
            "captureMethod": ["activityDetection"],
            "individualAnimals": False,
            "observationLevel": ["media", "event"],
        },
        **kept,
        "sources": [{"title": _MADE_BY, "version": sparrow.__version__}],
        "spatial": {"type": "MultiPoint", "coordinates": [list(place) for place in places]},
        "temporal": {
            "start": min(row["deploymentStart"] for row in rows)[:10],
            "end": max(row["deploymentEnd"] for row in rows)[:10],
        },
        "taxonomic": [{"scientificName": name} for name in species],
    }


def media_type(file: Path) -> str:
    """IANA's name of a photo's format, by its content; a JPEG's where it cannot be read now."""
    try:
        with open_regular(file) as opened:
            head = opened.read(HEAD_BYTES)
    except OSError:
        return "image/jpeg"
    if is_heif(head):
        return "image/avif" if head[8:12] in (b"avif", b"avis") else "image/heic"
    beginnings = {
        b"\x89PNG": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp", b"BM": "image/bmp",
        b"II": "image/tiff", b"MM": "image/tiff",
    }  # fmt: skip
    kinds = (kind for begin, kind in beginnings.items() if head.startswith(begin))
    return next(kinds, "image/jpeg")


def _resource(name: str) -> dict[str, str]:
    return {
        "name": name,
        "path": f"{name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": f"{_SCHEMAS}/{name}-table-schema.json",
    }


def _descriptor(folder: Path) -> dict[str, Any]:
    """What is there; nothing where there is none, or it is no JSON object."""
    try:
        content = json.loads((folder / DESCRIPTOR).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_ours(content: dict[str, Any]) -> bool:
    sources = content.get("sources")
    return isinstance(sources, list) and any(
        isinstance(source, dict) and source.get("title") == _MADE_BY for source in sources
    )
