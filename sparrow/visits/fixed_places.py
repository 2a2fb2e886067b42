"""Places where a camera's photos show the same detection again and again: a knot, a feeder's ring.

A detector that takes such a thing for an object does so in photo after photo. Animals come and go:
a box that stays where it is in most of a camera's photos, over hours, while the light or the other
detections change, is worth a person's look. It is never left out by itself.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparrow.boxes import box_iou
from sparrow.spreadsheet import from_cell

SAME_IOU = 0.6  # boxes of one thing that does not move overlap by more; a bird's rarely do
LEAST_PHOTOS = 10
LEAST_FRACTION = 0.5  # of the camera's photos
LEAST_HOURS = 1.0
LEAST_CHANGE = 0.02  # of the brightness, which is 0..1

Fractions = tuple[float, float, float, float]  # x_min, y_min, x_max, y_max as shares of the photo
COLUMNS = ("camera", "label", "x_min", "y_min", "x_max", "y_max", "photos", "of_photos", "first",
           "last")  # fmt: skip


@dataclass(frozen=True)
class FixedPlace:
    """A place with a detection in many photos of one camera.

    Attributes:
        camera, label: whose, and what most of the detections are called.
        box: as shares of the photo's width and height.
        photos, of_photos: photos that show it, photos of the camera.
        first, last: names of the first and the last photo that show it.
    """

    camera: str
    label: str
    box: Fractions
    photos: int = 0
    of_photos: int = 0
    first: str = ""
    last: str = ""


@dataclass
class _Cluster:
    box: Fractions
    labels: Counter[str] = field(default_factory=Counter)
    photos: list[int] = field(default_factory=list)


@dataclass
class _Camera:
    names: list[str] = field(default_factory=list)
    times: list[datetime | None] = field(default_factory=list)
    brightness: list[float] = field(default_factory=list)
    boxes: list[int] = field(default_factory=list)
    clusters: list[_Cluster] = field(default_factory=list)


class PlaceFinder:
    """Takes up counted photos one by one."""

    def __init__(self) -> None:
        """Begin with no photo."""
        self._cameras: dict[str, _Camera] = defaultdict(_Camera)

    def add(self, camera: str, taken: datetime | None, record: dict[str, Any]) -> None:
        """Take up a photo that could be counted; ``record``: of the journal."""
        seen = self._cameras[camera]
        number = len(seen.names)
        seen.names.append(record["file_name"])
        seen.times.append(taken)
        seen.brightness.append(record.get("brightness") or 0.0)
        seen.boxes.append(len(record["boxes"]))
        for label, box in fractions_of(record):
            cluster = _same(box, seen.clusters)
            if cluster is None:
                cluster = _Cluster(box)
                seen.clusters.append(cluster)
            cluster.labels[label] += 1
            if number not in cluster.photos[-1:]:
                cluster.photos.append(number)

    def places(self) -> list[FixedPlace]:
        """What is worth a look, by camera, the most frequent first."""
        return [
            FixedPlace(
                camera,
                cluster.labels.most_common(1)[0][0],
                cluster.box,
                len(cluster.photos),
                len(seen.names),
                seen.names[cluster.photos[0]],
                seen.names[cluster.photos[-1]],
            )
            for camera, seen in sorted(self._cameras.items())
            for cluster in sorted(seen.clusters, key=lambda cluster: -len(cluster.photos))
            if _is_fixed(cluster, seen)
        ]


def fractions_of(record: dict[str, Any]) -> list[tuple[str, Fractions]]:
    """Label and box of each detection, as shares of the photo."""
    width, height = record.get("width_px") or 1, record.get("height_px") or 1
    return [
        (
            box["label"],
            (
                box["x_min_px"] / width,
                box["y_min_px"] / height,
                box["x_max_px"] / width,
                box["y_max_px"] / height,
            ),
        )
        for box in record["boxes"]
    ]


def without_places(record: dict[str, Any], places: Sequence[FixedPlace]) -> dict[str, Any]:
    """A record without its detections at some places, its counts and intervals less by as many.

    Args:
        record: of the journal.
        places: of the photo's camera.
    """
    if not places or record["error"] is not None:
        return record
    overlap = _overlaps([box for _, box in fractions_of(record)], [place.box for place in places])
    kept = [
        box
        for box, row in zip(record["boxes"], overlap, strict=True)
        if row.max(initial=0) < SAME_IOU
    ]
    gone = Counter(box["label"] for box in record["boxes"])
    gone.subtract(box["label"] for box in kept)
    counts = [
        {**of_class, **_less(of_class, ("count", "low", "high"), gone[of_class["label"]])}
        for of_class in record.get("class_counts") or ()
    ]
    less = _less(record, ("count", "count_low", "count_high"), gone.total())
    return {**record, "boxes": kept, "class_counts": counts, **less}


def read_places(path: Path) -> list[FixedPlace]:
    """The places of a file that ``--fixed-places`` wrote; a person removes the rows of animals.

    Raises:
        ValueError: it is no such file; the row is named.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        if not set(COLUMNS[:6]) <= set(table.fieldnames or ()):
            raise ValueError(
                f"{path}: expected a table with the columns {', '.join(COLUMNS[:6])}, as "
                f"--fixed-places DIR writes it; found {', '.join(table.fieldnames or ['nothing'])}"
            )
        return [_place(row, f"{path}, row {number}") for number, row in enumerate(table, 2)]


def of_camera(places: Iterable[FixedPlace], camera: str) -> list[FixedPlace]:
    """The places of one camera."""
    return [place for place in places if place.camera == camera]


def _place(row: dict[str, str], where: str) -> FixedPlace:
    try:
        x_min, y_min, x_max, y_max = (float(row[name]) for name in COLUMNS[2:6])
    except (TypeError, ValueError):
        raise ValueError(f"{where}: expected four numbers from 0 to 1 in {COLUMNS[2:6]}") from None
    if not (0 <= x_min < x_max <= 1.001 and 0 <= y_min < y_max <= 1.001):
        raise ValueError(f"{where}: expected a box within the photo, as shares from 0 to 1")
    box = (x_min, y_min, x_max, y_max)
    return FixedPlace(from_cell(row["camera"]), from_cell(row["label"]), box)


def _less(values: dict[str, Any], names: tuple[str, str, str], gone: int) -> dict[str, Any]:
    count, low, high = (values[name] for name in names)
    fewer = count - gone
    return dict(
        zip(
            names,
            (
                fewer,
                None if low is None else min(max(low - gone, 0), fewer),
                None if high is None else max(high - gone, fewer),
            ),
            strict=True,
        )
    )


def _same(box: Fractions, clusters: Sequence[_Cluster]) -> _Cluster | None:
    if not clusters:
        return None
    overlap = _overlaps([box], [cluster.box for cluster in clusters])[0]
    best = int(overlap.argmax())
    return clusters[best] if overlap[best] >= SAME_IOU else None


def _overlaps(boxes: Sequence[Fractions], others: Sequence[Fractions]) -> NDArray[np.floating]:
    """[N, M] intersection over union."""
    return box_iou(boxes, others)


def _is_fixed(cluster: _Cluster, seen: _Camera) -> bool:
    if len(cluster.photos) < max(LEAST_PHOTOS, LEAST_FRACTION * len(seen.names)):
        return False
    times = [time for n in cluster.photos if (time := seen.times[n]) is not None]
    clock = sorted(time.replace(tzinfo=None) for time in times)
    if not clock or (clock[-1] - clock[0]).total_seconds() < LEAST_HOURS * 3600:
        return False
    light = [seen.brightness[n] for n in cluster.photos]
    others = {seen.boxes[n] for n in cluster.photos}
    return max(light) - min(light) >= LEAST_CHANGE or len(others) > 1


def rounded(place: FixedPlace) -> FixedPlace:
    """With shares that a person can read."""
    x_min, y_min, x_max, y_max = (round(fraction, 4) for fraction in place.box)
    return replace(place, box=(x_min, y_min, x_max, y_max))
