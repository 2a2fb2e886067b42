"""Rows of Camtrap-DP 1.0.2: media, and observations of a photo and of a visit.

See https://camtrap-dp.tdwg.org/data. An observation of a photo is one box with a count of 1, so
that the sum over a photo's rows is its count, and nothing is there twice. An observation of a
visit has the most that were seen at once.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sparrow.interchange.counted_file import CountedFile
from sparrow.plain_text import utf8
from sparrow.predictions.record import LoggedBox
from sparrow.visits.visits import Group

# All columns of the standard, in its order: programs that check a table expect each of them.
DEPLOYMENTS = (
    "deploymentID", "locationID", "locationName", "latitude", "longitude",
    "coordinateUncertainty", "deploymentStart", "deploymentEnd", "setupBy", "cameraID",
    "cameraModel", "cameraDelay", "cameraHeight", "cameraDepth", "cameraTilt",
    "cameraHeading", "detectionDistance", "timestampIssues", "baitUse", "featureType",
    "habitat", "deploymentGroups", "deploymentTags", "deploymentComments",
)  # fmt: skip
MEDIA = (
    "mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic",
    "fileName", "fileMediatype", "exifData", "favorite", "mediaComments",
)  # fmt: skip
OBSERVATIONS = (
    "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd",
    "observationLevel", "observationType", "cameraSetupType", "scientificName", "count",
    "lifeStage", "sex", "behavior", "individualID", "individualPositionRadius",
    "individualPositionAngle", "individualSpeed", "bboxX", "bboxY", "bboxWidth", "bboxHeight",
    "classificationMethod", "classifiedBy", "classificationTimestamp",
    "classificationProbability", "observationTags", "observationComments",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class Naming:
    """What the classes are called.

    Attributes:
        class_names: of the model, in its order.
        species: scientific names, by class; a class without one has none.
    """

    class_names: Sequence[str]
    species: Mapping[str, str]


_FILE_PATH = re.compile(r"^(?=^[^./~])(^((?!\.{2}).)*$).*$")  # of the standard's own schema
_MISSING = ("", "NA", "NaN", "nan")  # what it reads as no value
_NARROWEST = 1e-15  # the least width and height that it takes
# Every other class is of an animal: the standard knows these types and no more.
_HUMAN = {"human", "person", "people", "man", "woman", "child"}
_VEHICLE = {"vehicle", "car", "truck", "bus", "motorcycle", "bicycle", "boat", "train", "airplane"}


def iso(time: datetime) -> str:
    """As the standard writes a time: whole seconds, with the distance from UTC."""
    return time.replace(microsecond=0).isoformat()


def deployment_id(camera: str) -> str:
    """The camera's name; one that the standard reads as no value has a word before it."""
    name = utf8(camera)
    return f"camera {name}" if name in _MISSING else name


def media_id(name: str) -> str:
    """The same for the same name in every count; two names never share one."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


def can_be_named(name: str) -> bool:
    """Whether the standard allows this path: it begins with no ``.`` or ``~`` and has no ``..``."""
    return _FILE_PATH.match(utf8(name)) is not None and "\n" not in name


def media_row(photo: CountedFile, taken: datetime, media_type: str) -> Row:
    """A photo; a fraction of a second, which the standard's times do not have, is in a comment."""
    return {
        "mediaID": media_id(photo.name),
        "deploymentID": deployment_id(photo.capture.camera),
        "timestamp": iso(taken),
        "filePath": utf8(photo.name),
        "filePublic": "false",
        "fileName": utf8(photo.name.rpartition("/")[2]),
        "fileMediatype": media_type,
        "mediaComments": f"taken at {taken.isoformat()}" if taken.microsecond else None,
    }


def photo_rows(photo: CountedFile, taken: datetime, naming: Naming) -> Iterator[Row]:
    """Observations of a photo: its boxes, else that it is blank, or that it is not counted.

    Args:
        photo: of a camera.
        taken: with its distance from UTC.
        naming: of the model's classes.
    """
    base: Row = {
        "deploymentID": deployment_id(photo.capture.camera),
        "mediaID": (identifier := media_id(photo.name)),
        "eventID": None if photo.visit is None else event_id(photo.visit),
        "eventStart": iso(taken),
        "eventEnd": iso(taken),
        "observationLevel": "media",
    }
    if not photo.record.boxes:
        yield {**base, "observationID": f"{identifier}-0", **_without_boxes(photo)}
    for number, box in enumerate(photo.record.boxes, 1):
        yield {
            **base,
            "observationID": f"{identifier}-{number}",
            **_of_class(box.label, naming.species),
            "count": 1,
            **_bbox(box, photo.record.width_px, photo.record.height_px),
            **made_by(photo),
            "classificationProbability": box.score,
        }


def _without_boxes(photo: CountedFile) -> Row:
    if photo.record.error is None:
        return {"observationType": "blank", **made_by(photo)}
    comment = utf8(photo.message or photo.record.error)
    return {"observationType": "unclassified", "observationComments": comment}


def event_rows(
    visit: Group, span: tuple[datetime, datetime], by: Row, naming: Naming
) -> Iterator[Row]:
    """Observations of a visit: the most at once of each class that was seen, else that it is blank.

    Args:
        visit: one of ``Sightings.visits``.
        span: its first and last time.
        by: of ``made_by``.
    """
    base: Row = {
        "deploymentID": deployment_id(visit.camera),
        "eventID": (identifier := event_id(visit.number)),
        "eventStart": iso(span[0]),
        "eventEnd": iso(span[1]),
        "observationLevel": "event",
        **by,
    }
    if not any(most.count for most in visit.maxima):
        yield {**base, "observationID": f"{identifier}-0", "observationType": "blank"}
    own = zip(naming.class_names, visit.maxima[1:], strict=True)
    for number, (label, most) in enumerate(own, 1):
        if most.count:
            yield {
                **base,
                "observationID": f"{identifier}-{number}",
                **_of_class(label, naming.species, count_low=most.low, count_high=most.high),
                "count": most.count,
                "observationComments": f"shown by {utf8(visit.photos[most.photo].name)}",
            }


def event_id(visit: int) -> str:
    """By the number that the visit has in every table."""
    return f"visit-{visit}"


def made_by(photo: CountedFile) -> Row:
    """Which model told it, and when."""
    return {
        "classificationMethod": "machine",
        "classifiedBy": f"{photo.record.model_name} {photo.record.model_version}",
        "classificationTimestamp": iso(photo.record.time),
    }


def _of_class(label: str, species: Mapping[str, str], **tags: int | None) -> Row:
    """Type and name of a class, which is a tag in any case."""
    known = {"class": label, **tags}
    said = [f"{key}:{_tag(str(value))}" for key, value in known.items() if value is not None]
    word = label.strip().casefold()
    kind = "human" if word in _HUMAN else "vehicle" if word in _VEHICLE else "animal"
    return {
        "observationType": kind,
        "scientificName": species.get(label),
        "observationTags": "|".join(said),
    }


def _tag(text: str) -> str:
    """Text in which no sign parts tags."""
    return utf8(text).replace("%", "%25").replace("|", "%7C")


def _bbox(box: LoggedBox, width: int, height: int) -> Row:
    x_min, x_max = (min(max(x / width, 0.0), 1.0) for x in (box.x_min_px, box.x_max_px))
    y_min, y_max = (min(max(y / height, 0.0), 1.0) for y in (box.y_min_px, box.y_max_px))
    return {
        "bboxX": x_min,
        "bboxY": y_min,
        "bboxWidth": max(x_max - x_min, _NARROWEST),
        "bboxHeight": max(y_max - y_min, _NARROWEST),
    }
