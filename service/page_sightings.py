"""When and by which camera a visitor's photos were taken, and the most seen at once per visit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from service.page_photo import PagePhoto
from sparrow.inference.count_formats import csv_line
from sparrow.inference.remarks import unlike_in_words
from sparrow.predictions.count_words import interval_in_words, is_minimum, number_in_words
from sparrow.visits.capture import Capture, capture_of
from sparrow.visits.maximum import Maximum, Number, with_expected
from sparrow.visits.tables import ALL, COLUMNS, rows
from sparrow.visits.visits import Group, SeenPhoto, Sightings, find_sightings

Json = dict[str, Any]  # Any: JSON, as the page's script reads it
UNKNOWN_CAMERA = "a camera"  # of photos whose EXIF and folders tell none


def capture(photo: PagePhoto) -> Capture:
    """When and by which camera, by EXIF, else by name and folder."""
    return capture_of(photo.shot, photo.file.name, "auto", UNKNOWN_CAMERA)


def sightings_json(photos: Collection[PagePhoto], min_score: float | None) -> Json:
    """Visits and, by photo, the number of its visit; nothing where no photo has a time.

    A visit's maximum is of the numbers on the screen, corrected ones included.
    """
    names = class_names(photos)
    keys, sightings = _sightings(photos, min_score, names)
    return {
        "visits": [_visit(group, keys, names) for group in sightings.visits],
        "visit_of": {
            keys[id(seen)]: group.number for group in sightings.visits for seen in group.photos
        },
        "undated": len(sightings.undated),
        "notes": [*sightings.notes, *_unlike(sightings)],
    }


def visits_csv(photos: Collection[PagePhoto], min_score: float | None) -> str:
    """The table that ``sparrow count --visits`` writes, of what is on the screen."""
    names = class_names(photos)
    _, seen = _sightings(photos, min_score, names)
    groups = [*seen.visits, *seen.hours, *seen.days, *seen.cameras]
    lines = [COLUMNS, *([row[name] for name in COLUMNS] for row in rows(groups, names))]
    return "".join(map(csv_line, lines))


def class_names(photos: Collection[PagePhoto]) -> list[str]:
    """Of all photos: two of a session may have been counted by different champions."""
    return list(dict.fromkeys(name for photo in photos for name in photo.class_names))


def _sightings(
    photos: Collection[PagePhoto], min_score: float | None, names: Sequence[str]
) -> tuple[dict[int, str], Sightings]:
    """The sightings, and the SHA-256 of each photo in them: two files may have one name."""
    seen = {
        photo.sha256: SeenPhoto(
            photo.file.name,
            capture(photo),
            _numbers(photo, min_score, names),
            photo.counted.out_of_distribution is True,
        )
        for photo in photos
        if photo.count(min_score) is not None
    }
    alarms = [photo.false_alarms for photo in photos if photo.false_alarms is not None]
    sightings = find_sightings(seen.values(), false_alarms=alarms[-1] if alarms else None)
    return {id(photo): key for key, photo in seen.items()}, sightings


def _numbers(photo: PagePhoto, min_score: float | None, names: Sequence[str]) -> tuple[Number, ...]:
    own = {own.label: own for own in photo.class_counts(min_score)}
    total = Number(photo.count(min_score) or 0, *photo.interval(min_score))
    classes = (own.get(name) for name in names)
    numbers = (
        total,
        *(Number(c.count, c.low, c.high) if c else Number(0, None, None) for c in classes),
    )
    models_own = min_score is None and photo.corrected is None
    known = photo.counted.expected if models_own and list(own) == list(names) else ()
    return with_expected(numbers, known)


def _unlike(sightings: Sightings) -> list[str]:
    """What to know of flagged photos, if there are any."""
    every = [photo for group in sightings.cameras for photo in group.photos]
    flagged = sum(photo.out_of_distribution for photo in every)
    return [unlike_in_words(flagged, len(every), sightings.false_alarms)] if flagged else []


def _visit(group: Group, keys: dict[int, str], names: Sequence[str]) -> Json:
    own = [(0, ALL)] if len(names) == 1 else [(0, ALL), *enumerate(names, 1)]
    return {
        "number": group.number,
        "camera": "" if group.camera == UNKNOWN_CAMERA else group.camera,
        "begins": time_in_words(group.begins),
        "ends": time_in_words(group.ends),
        "photos": len(group.photos),
        "most": {name: _most(group.maxima[place]) for place, name in own},
        "photo": keys[id(group.photos[group.maxima[0].photo])],
    }


def _most(most: Maximum) -> str:
    least = is_minimum(most.low, most.high)
    likely = interval_in_words(most.low, most.high)
    number = number_in_words(most.count, minimum=least)
    return f"{number} ({likely})" if likely and not least else number


def time_in_words(time: datetime | None) -> str:
    """``2026-05-01 08:30:05``, by the camera's own clock; empty where it is not known."""
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M:%S")
