"""What the page says about the photos of a visitor, as values that its script shows as text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from service.page_photo import PagePhoto
from service.page_sightings import UNKNOWN_CAMERA, Json, capture, class_names, time_in_words
from sparrow.drawing.boxes import DETECTION_COLOR, ink_on
from sparrow.drawing.class_boxes import class_color
from sparrow.predictions.count_words import (
    count_in_words,
    interval_in_words,
    number_in_words,
    total_in_words,
)
from sparrow.predictions.record import ClassCount

MAX_NAMES = 5  # of files with the same bytes


def screen(photos: Collection[PagePhoto], min_score: float | None) -> Json:
    """What is said about all photos together: ``words``, ``hint`` and the ``totals`` by class."""
    shown = list(photos)
    words, hints = headline(shown, min_score)
    return {
        "words": words,
        "hint": " ".join(hints),
        "totals": totals(shown, min_score),
        "photos": len(shown),
    }


def headline(photos: Sequence[PagePhoto], min_score: float | None) -> tuple[str, list[str]]:
    """The answer in large type, and sentences to read with it."""
    counts = [photo.count(min_score) for photo in photos]
    readable = [count for count in counts if count is not None]
    if not photos:
        return "", []
    if not readable:
        return "No photo could be counted", ["See the remarks below."]
    if len(photos) == 1:
        return _of_one(photos[0], readable[0], min_score)
    least = any(photo.is_minimum(min_score) for photo in photos)
    names, plurals = class_names(photos), _plurals(photos)
    total = total_in_words(sum(readable), names, plurals, minimum=least)
    unread = len(photos) - len(readable)
    hints = [f"{unread} of {len(photos)} photos could not be counted."] if unread else []
    corrected = sum(photo.corrected is not None for photo in photos)
    if corrected:
        hints.append(f"{corrected} of them as you corrected {'it' if corrected == 1 else 'them'}.")
    hints += _other_score([photo for photo in photos if photo.corrected is None], min_score)
    return f"{total} in {len(readable)} photos", hints


def _of_one(photo: PagePhoto, count: int, min_score: float | None) -> tuple[str, list[str]]:
    words = count_in_words(
        count, *photo.interval(min_score), photo.class_names, plurals=photo.plurals
    )
    hints = [] if count or photo.corrected else ["Try a closer photo, or one in better light."]
    hints += [f"{remark[:1].upper()}{remark[1:]}." for remark in photo.remarks]
    if photo.corrected is not None:
        hints.append(f"As you corrected it; the model counted {_of_the_model([photo])}.")
        return words, hints
    return words, hints + _other_score([photo], min_score)


def _other_score(photos: Sequence[PagePhoto], min_score: float | None) -> list[str]:
    """What the model itself counts, where the slider shows something else."""
    if min_score is None or not any(photo.counted.record.count is not None for photo in photos):
        return []
    thresholds = {f"{photo.threshold:.0%}" for photo in photos}
    return [
        f"These are boxes with a score of {min_score:.0%} or more; the model counts those of "
        f"{' or '.join(sorted(thresholds))} or more: {_of_the_model(photos)}."
    ]


def _of_the_model(photos: Sequence[PagePhoto]) -> str:
    records = [photo.counted.record for photo in photos]
    least = any(record.count_is_minimum for record in records)
    return number_in_words(sum(record.count or 0 for record in records), minimum=least)


def totals(photos: Sequence[PagePhoto], min_score: float | None) -> list[Json]:
    """The boxes of each class in all photos; empty where the model has but one class."""
    names = class_names(photos)
    if len(names) < 2:
        return []
    least = any(photo.is_minimum(min_score) for photo in photos)
    sums = dict.fromkeys(names, 0)
    for photo in photos:
        for counted in photo.class_counts(min_score):
            sums[counted.label] += counted.count
    plurals = _plurals(photos)
    return [
        {"label": name, "words": total_in_words(n, [name], plurals, minimum=least)}
        for name, n in sums.items()
    ]


def _plurals(photos: Sequence[PagePhoto]) -> dict[str, str]:
    return {name: word for photo in photos for name, word in photo.plurals.items()}


def photo_row(photo: PagePhoto, min_score: float | None) -> Json:
    """One row of the table, and what the viewer says about this photo."""
    count = photo.count(min_score)
    minimum, taken = photo.is_minimum(min_score), capture(photo)
    return {
        "photo": photo.sha256,
        "name": photo.file.name,
        "number": count,
        "count": "" if count is None else number_in_words(count, minimum=minimum),
        "minimum": minimum,
        "likely": interval_in_words(*photo.interval(min_score)),
        "classes": {own.label: _of_class(own) for own in photo.class_counts(min_score)},
        "remark": _remark(photo, count),
        "time": time_in_words(taken.taken),
        "camera": "" if taken.camera == UNKNOWN_CAMERA else taken.camera,
        "corrected": photo.corrected is not None,
    }


def _of_class(counted: ClassCount) -> str:
    number = number_in_words(counted.count, minimum=counted.is_minimum)
    likely = interval_in_words(counted.low, counted.high)
    return f"{number} ({likely})" if likely and not counted.is_minimum else number


def _remark(photo: PagePhoto, count: int | None) -> str:
    parts = [photo.counted.message or ""]
    if photo.corrected is not None:
        parts.append(f"corrected by you; the model counted {_of_the_model([photo])}")
    elif count == 0:
        parts.append("none found")
    parts += photo.remarks
    if photo.same:
        names = [file.name for file in photo.same]
        more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        parts.append(f"the same photo as {', '.join(names[:MAX_NAMES])}{more}: counted once")
    return "; ".join(filter(None, parts))


def photo_json(photo: PagePhoto, min_score: float | None) -> Json:
    """A counted photo with all its boxes, those below the threshold too, and its row."""
    record = photo.counted.record
    return {
        "photo": photo.sha256,
        "width": record.width_px,
        "height": record.height_px,
        "view": str(photo.views.large) if photo.views else None,
        "thumbnail": str(photo.views.small) if photo.views else None,
        "threshold": photo.threshold,
        "classes": list(photo.class_names),
        "colors": class_colors(photo.class_names),
        "boxes": _boxes(photo.model_boxes),
        "certain": len(record.boxes),  # the first of them: at or above the model's threshold
        "corrected": None if photo.corrected is None else _boxes(photo.corrected),
        "row": photo_row(photo, min_score),
    }


def class_colors(names: Sequence[str]) -> Json:
    """Colour (``ground``) and letters (``ink``) of each class, as in downloaded pictures."""
    colors = {name: class_color(place) for place, name in enumerate(names)}
    if len(names) == 1:
        colors = dict.fromkeys(names, DETECTION_COLOR)
    return {name: {"ground": color, "ink": ink_on(color)} for name, color in colors.items()}


def _boxes(boxes: Sequence[Any]) -> list[Json]:
    return [
        {"label": box.label, "corners": list(box.corners_px), "score": box.score} for box in boxes
    ]
