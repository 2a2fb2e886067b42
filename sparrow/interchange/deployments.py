"""The deployments of Camtrap-DP: which camera was where, and from when to when.

The standard has no photo without a time, no time without its distance from UTC, and no camera
without a place. None of them is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from sparrow.interchange.camtrap_rows import can_be_named, deployment_id, iso
from sparrow.interchange.time_zones import in_zone, is_ambiguous
from sparrow.plain_text import first_of
from sparrow.visits.capture import Capture, read_position

Position = tuple[float, float]  # latitude and longitude in degrees

_EARTH_M = 6_371_000


@dataclass(frozen=True)
class Whereabouts:
    """What a person tells of the cameras.

    Attributes:
        zone: of times that do not tell their distance from UTC.
        places: by camera; of "" that of every other camera.
        gps: whether the places that EXIF tells are taken, before ``places``.
    """

    zone: tzinfo | None = None
    places: Mapping[str, Position] = field(default_factory=dict)
    gps: bool = False


@dataclass
class _Deployment:
    camera: str
    start: datetime
    end: datetime
    position: Position | None = None
    spread_m: float = 0.0
    ambiguous: int = 0


class Deployments:
    """The deployments of photos that are added one by one.

    Attributes:
        undated: photos without a time, which the standard has no place for.
        unnamed: photos whose paths the standard does not allow.
    """

    def __init__(self, told: Whereabouts) -> None:
        self.undated: list[str] = []
        self.unnamed: list[str] = []
        self._without_zone: list[str] = []
        self._by_id: dict[str, _Deployment] = {}
        self._told = told

    def add(self, name: str, file: Path, capture: Capture) -> datetime | None:
        """Take up a photo; when it was taken, None where it cannot be in the package."""
        if not can_be_named(name):
            self.unnamed.append(name)
            return None
        if capture.taken is None:
            self.undated.append(name)
            return None
        taken = in_zone(capture.taken, self._told.zone)
        if taken is None:
            self._without_zone.append(name)
            return None
        own = self._by_id.setdefault(
            deployment_id(capture.camera), _Deployment(capture.camera, taken, taken)
        )
        own.start, own.end = min(own.start, taken), max(own.end, taken)
        own.ambiguous += is_ambiguous(capture.taken, self._told.zone)
        if self._told.gps and (position := read_position(file)) is not None:
            own.position = own.position or position
            own.spread_m = max(own.spread_m, distance_m(own.position, position))
        return taken

    def check(self) -> None:
        """Refuse what the standard requires and nothing tells.

        Raises:
            ValueError: what is missing, of which photos or cameras, and the option that tells it.
        """
        if self._without_zone:
            raise ValueError(
                f"--camtrap-dp: {len(self._without_zone)} photos tell no distance from UTC, which "
                f"Camtrap-DP requires: {first_of(self._without_zone)}; tell the zone of the "
                "cameras' clocks by --timezone, such as --timezone Europe/Berlin or +02:00"
            )
        if not self._by_id:
            raise ValueError(
                "--camtrap-dp: no photo has a time, which Camtrap-DP requires; --file-times takes "
                "that of the files"
            )
        self._check_places()

    def _check_places(self) -> None:
        cameras = sorted(own.camera for own in self._by_id.values())
        unknown = sorted(set(self._told.places) - set(cameras) - {""})
        if unknown:
            raise ValueError(
                f"--location: there is no camera {first_of(unknown)}; there are {first_of(cameras)}"
            )
        lost = [own.camera for own in self._by_id.values() if self._place(own) is None]
        if lost:
            raise ValueError(
                f"--camtrap-dp: no place is known of {len(lost)} cameras, which Camtrap-DP "
                f"requires: {first_of(lost)}; tell it by --location LATITUDE,LONGITUDE, for one "
                f"camera by --location '{lost[0]}=LATITUDE,LONGITUDE', or take what EXIF has with "
                "--gps"
            )

    def rows(self) -> Iterator[dict[str, Any]]:
        """The table, after ``check``."""
        for identifier, own in self._by_id.items():
            latitude, longitude = self._place(own) or (None, None)
            yield {
                "deploymentID": identifier,
                "latitude": latitude,
                "longitude": longitude,
                "coordinateUncertainty": math.ceil(own.spread_m) or None,
                "deploymentStart": iso(own.start),
                "deploymentEnd": iso(own.end),
                "cameraID": identifier,
                "timestampIssues": "true" if own.ambiguous else "false",
                "deploymentComments": "from the first photo to the last",
            }

    @property
    def ambiguous(self) -> dict[str, int]:
        """By camera: photos taken at an hour that its clock showed twice, or never."""
        return {own.camera: own.ambiguous for own in self._by_id.values() if own.ambiguous}

    def _place(self, own: _Deployment) -> Position | None:
        places = self._told.places
        return own.position or places.get(own.camera) or places.get("")


def distance_m(a: Position, b: Position) -> float:
    """Metres between two places on a sphere (haversine)."""
    (lat_a, lon_a), (lat_b, lon_b) = (map(math.radians, place) for place in (a, b))
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))
