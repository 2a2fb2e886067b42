"""The page of disagreements: each photo as champion and candidate see it, side by side."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from sparrow.class_nouns import noun, singular
from sparrow.detections import Detections
from sparrow.drawing.boxes import (
    DETECTION_COLOR,
    OTHER_COLOR,
    TRUTH_COLOR,
    BoxStyle,
    draw_boxes,
)
from sparrow.drawing.class_boxes import class_color, draw_class_boxes
from sparrow.drawing.pictures import encode_jpeg, fit_within
from sparrow.images import RgbImage, read_image
from sparrow.predictions.count_words import interval_in_words, is_minimum, number_in_words
from sparrow.predictions.record import logged_boxes
from sparrow.registry.shadow import Answer, Shadow, ShadowPhoto, all_classes
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
        keys=_keys(shadow),
        shown=[_photo(photo) for photo in shown],
        others=[_row(photo) for photo in worst if photo not in shown],
        unreadable=[[path.name, why] for path, why in shadow.unreadable],
    )


def _keys(shadow: Shadow) -> Sequence[tuple[str, str]]:
    """What the colours mean: of several classes those that differ have their class's."""
    names = all_classes(shadow.photos[0]) if shadow.photos else []
    if len(names) < 2:
        return KEYS
    own = [(class_color(place), f"{singular(name)}, only here") for place, name in enumerate(names)]
    return [(TRUTH_COLOR, "boxes of both"), *own]


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
    names = all_classes(photo)
    return {
        "title": f"{photo.path.name}: {before} → {now}",
        "sides": [
            (encode_jpeg(_with_boxes(image, answer, names)), f"{who}: {_count(answer)}")
            for who, answer in sides
        ],
    }


def _with_boxes(image: RgbImage, answer: Answer, class_names: Sequence[str]) -> RgbImage:
    """The photo made small, with what one model answered; ``class_names``: of both models."""
    small, scale = fit_within(image, min(PHOTO_PX, max(image.shape[:2])))
    boxes, scores, alone = (
        answer.detections.boxes_xyxy * scale,
        answer.detections.scores,
        answer.alone,
    )
    if len(class_names) > 1:
        only_here = Detections(boxes[alone], scores[alone], answer.detections.labels[alone])
        named = logged_boxes(only_here, answer.model.class_names)
        drawn = draw_boxes(small, boxes[~alone], scores[~alone], BoxStyle(TRUTH_COLOR))
        return draw_class_boxes(drawn, named, class_names)
    drawn = draw_boxes(small, boxes[~alone], scores[~alone])
    return draw_boxes(drawn, boxes[alone], scores[alone], BoxStyle(OTHER_COLOR))


def _row(photo: ShadowPhoto) -> list[object]:
    return [photo.path.name, _count(photo.champion), _count(photo.candidate), photo.differing]


def _number(answer: Answer) -> str:
    minimum = is_minimum(answer.low, answer.high)
    return number_in_words(len(answer.detections), minimum=minimum)


def _count(answer: Answer) -> str:
    low, high = answer.low, answer.high
    words = _number(answer)
    if low is not None and low != high:
        words = f"{words}, likely {interval_in_words(low, high)}"
    by_class, plurals = answer.by_class, answer.model.plurals
    if len(answer.model.class_names) == 1 or not by_class:
        return words
    each = [(by_class[name], name) for name in answer.model.class_names if by_class[name]]
    return f"{words}: {', '.join(f'{n} {noun(n, name, plurals)}' for n, name in each)}"
