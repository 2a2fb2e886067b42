"""When and by which camera a photo was taken, and where, as far as its file tells.

The time is that of its EXIF, else the one in its name; the time of the file itself only on request,
as copying and syncing change it. A time without its distance from UTC is by the camera's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from sys import intern
from typing import Literal

from sparrow.capture_names import camera_folder, time_in_name
from sparrow.data.photo_origin import camera_name, has_body, shutter_time
from sparrow.images import GPS_DIRECTORY, read_exif

CameraBy = Literal["auto", "folder", "exif"]
TimeFrom = Literal["exif", "name", "file", ""]

_LATITUDE, _LONGITUDE = (1, 2), (3, 4)  # tags of EXIF's GPS directory: which half, the angle


@dataclass(frozen=True, slots=True)
class Shot:
    """What a photo's EXIF tells.

    Attributes:
        taken: ISO 8601, with the distance from UTC where the camera tells it; "" where unknown.
        camera: make, model and a mark of the body (``photo_origin.camera_name``); "" where unknown.
    """

    taken: str
    camera: str


@dataclass(frozen=True, slots=True)
class Capture:
    """When and by which camera a photo was taken.

    Attributes:
        taken: aware where its distance from UTC is known; None where no time is known.
        time_from: where the time is from; "" where there is none.
        camera: a name for people.
    """

    taken: datetime | None
    time_from: TimeFrom
    camera: str


def read_shot(source: Path | bytes) -> Shot:
    """What the EXIF of a photo tells; nothing where it cannot be read."""
    exif = read_exif(source)
    taken = shutter_time(exif)
    return Shot("" if taken is None else taken.isoformat(), camera_name(exif))


def capture_of(
    shot: Shot, name: str, camera_by: CameraBy, home: str, written_ns: int | None = None
) -> Capture:
    """When and by which camera, from EXIF and name.

    Args:
        shot: of its EXIF.
        name: below the folder that a person named, with ``/``.
        camera_by: ``exif``: make, model and body; ``folder``: the folder that a name has;
            ``auto``: the body that EXIF tells, and where it tells none, model and folder.
        home: the camera of photos whose EXIF and folders tell none: that folder's own name.
        written_ns: when the file was written, in nanoseconds since 1970, where that may stand
            for a time that neither EXIF nor name tells.
    """
    camera = intern(_camera(shot.camera, name, camera_by) or home)
    if shot.taken:
        return Capture(datetime.fromisoformat(shot.taken), "exif", camera)
    named = time_in_name(name)
    if named is not None and named.moment is not None:
        return Capture(named.moment, "name", camera)
    if written_ns is not None:
        written = datetime.fromtimestamp(written_ns / 1e9, UTC).astimezone()
        return Capture(written, "file", camera)
    return Capture(None, "", camera)


def read_position(source: Path | bytes) -> tuple[float, float] | None:
    """(latitude, longitude) in degrees, north and east positive; None where EXIF tells none."""
    exif = read_exif(source, GPS_DIRECTORY)
    latitude = _degrees(exif, *_LATITUDE, negative="S", most=90)
    longitude = _degrees(exif, *_LONGITUDE, negative="W", most=180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None  # a receiver without a fix writes zeros
    return latitude, longitude


def _camera(exif_camera: str, name: str, camera_by: CameraBy) -> str:
    folder = camera_folder(name)
    if camera_by == "folder":
        return folder
    if camera_by == "exif" or has_body(exif_camera) or not folder:
        return exif_camera
    return f"{exif_camera} in {folder}" if exif_camera else folder


def _degrees(
    exif: Mapping[int, object], half: int, angle: int, *, negative: str, most: int
) -> float | None:
    parts = exif.get(angle)
    if not isinstance(parts, tuple) or not 1 <= len(parts) <= 3:
        return None
    try:
        values = [float(part) for part in parts]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    degrees = sum(value / 60**place for place, value in enumerate(values))
    if not 0 <= degrees <= most:  # NaN, which a zero divisor gives, is neither
        return None
    letter = str(exif.get(half, "")).strip("\0 ").upper()
    return round(-degrees if letter == negative else degrees, 6)
