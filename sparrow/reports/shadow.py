"""The page of disagreements: each photo as champion and candidate see it, side by side."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from sparrow.drawing.boxes import DETECTION_COLOR, OTHER_COLOR, BoxStyle, draw_boxes
from sparrow.drawing.pictures import encode_jpeg, fit_within
from sparrow.images import RgbImage, read_image
from sparrow.predictions.count_words import interval_in_words, is_minimum, number_in_words
from sparrow.registry.shadow import Answer, Shadow, ShadowPhoto
from sparrow.reports.templates import render

PHOTO_PX = 480
SHOWN = 40
KEYS = (
    (DETECTION_COLOR, "boxes of both"),
    (OTHER_COLOR, "boxes that the other does not have"),
)


def shadow_html(
    shadow: Shadow, name: str, champion: str, candidate: str, hidden: Collection[Path] = ()
) -> str:
    """One file that needs nothing else.

    Args:
        shadow: what was replayed.
        name: of the registered model.
        champion, candidate: what each is called, ``version 3, threshold 0.45``.
        hidden: photos that may not be shown; they are rows of the table, as are all disagreements
            but the first ``SHOWN``.
    """
    worst = shadow.disagreeing
    shown = [photo for photo in worst if photo.path not in hidden][:SHOWN]
    return render(
        "shadow.html",
        title=f"{name}: {candidate} in the champion's shadow",
        name=name,
        summary=shadow.summary(),
        histogram=_histogram(shadow),
        champion=champion,
        candidate=candidate,
        keys=KEYS,
        shown=[_photo(photo) for photo in shown],
        others=[_row(photo) for photo in worst if photo not in shown],
        unreadable=[[path.name, why] for path, why in shadow.unreadable],
    )


def _histogram(shadow: Shadow) -> list[list[object]]:
    """How many photos have which change of the count, as header and row; empty without photos."""
    if not shadow.photos:
        return []
    changes, photos = np.unique([photo.change for photo in shadow.photos], return_counts=True)
    names = [f"{change:+d}" if change else "same" for change in changes.tolist()]
    return [["change of the count", *names], ["photos", *photos.tolist()]]


def _photo(photo: ShadowPhoto) -> dict[str, object]:
    """The title of a photo, and its two sides as (JPEG, caption)."""
    image = read_image(photo.path)
    sides = (("champion", photo.champion), ("candidate", photo.candidate))
    before, now = (_number(answer) for _, answer in sides)
    return {
        "title": f"{photo.path.name}: {before} → {now}",
        "sides": [
            (encode_jpeg(_with_boxes(image, answer)), f"{who}: {_count(answer)}")
            for who, answer in sides
        ],
    }


def _with_boxes(image: RgbImage, answer: Answer) -> RgbImage:
    """The photo made small, with what one model answered."""
    small, scale = fit_within(image, min(PHOTO_PX, max(image.shape[:2])))
    boxes, scores, alone = (
        answer.detections.boxes_xyxy * scale,
        answer.detections.scores,
        answer.alone,
    )
    drawn = draw_boxes(small, boxes[~alone], scores[~alone])
    return draw_boxes(drawn, boxes[alone], scores[alone], BoxStyle(OTHER_COLOR))


def _row(photo: ShadowPhoto) -> list[object]:
    return [photo.path.name, _count(photo.champion), _count(photo.candidate), photo.differing]


def _number(answer: Answer) -> str:
    minimum = is_minimum(answer.low, answer.high)
    return number_in_words(len(answer.detections), minimum=minimum)


def _count(answer: Answer) -> str:
    low, high = answer.low, answer.high
    if low is None or low == high:
        return _number(answer)
    return f"{_number(answer)}, likely {interval_in_words(low, high)}"
