"""What a visitor says about a count, stored: the number, and with consent the photo and boxes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from service.inference_service import InferenceService
from service.page_photo import PagePhoto, ShownBox
from service.page_protocol import Save
from service.page_sightings import Json
from sparrow.predictions.corrections import CorrectedBox
from sparrow.predictions.log import UnknownPredictionError

logger = logging.getLogger("sparrow.service")


def save_feedback(inference: InferenceService, photo: PagePhoto, request: Save) -> Json:
    """Store what is on the screen, or the number that was entered, and with consent the photo.

    Returns:
        Whether it was ``saved``, and a ``message``.

    Raises:
        ValueError: there is no number on the screen that could be right.
    """
    shown = _confirmable(photo, request)
    true_count = shown if request.true_count is None else request.true_count
    try:
        prediction = photo.counted.record.id
        inference.add_feedback(prediction, true_count, _is_wrong(photo, true_count))
    except UnknownPredictionError:
        return _nothing(
            f"the count of {photo.file.name} is no longer in the log. Please add the photo again "
            "in a new window."
        )
    except Exception:  # of any database; its message goes to the service's log only
        logger.exception("feedback on prediction %s could not be stored", prediction)
        return _nothing("the log cannot be reached just now. Please try again later.")
    kept = ""
    if request.keep:
        # A number that was typed says nothing of where the objects are.
        boxes = photo.boxes(request.min_score) if true_count == shown else None
        kept = " " + _keep(inference, photo, boxes)
    return {"saved": True, "message": f"Thank you. Saved: {true_count} in {photo.file.name}.{kept}"}


def _confirmable(photo: PagePhoto, request: Save) -> int:
    """The number on the screen, if a person can say that it is right, or enter another."""
    shown = photo.count(request.min_score)
    if shown is None:
        raise ValueError("This photo could not be counted, so there is nothing to correct.")
    if request.true_count is None and photo.is_minimum(request.min_score):
        raise ValueError(f"{shown} is the most that is found in a photo; please enter the number.")
    return shown


def _is_wrong(photo: PagePhoto, true_count: int) -> bool:
    """Whether the model was, at its own threshold.

    A person who moves the slider until the number is right has corrected the model, and so has one
    who exchanged boxes. A count that is a minimum is right where there are more.
    """
    record = photo.counted.record
    counted = record.count or 0
    wrong = true_count < counted if record.count_is_minimum else true_count != counted
    return wrong or (photo.corrected is not None and _differs(photo))


def _keep(inference: InferenceService, photo: PagePhoto, boxes: Sequence[ShownBox] | None) -> str:
    """Keep photo and boxes; returns what became of them, as a sentence."""
    if not inference.keeps_photos:
        return "This service keeps no photos: download the boxes instead."
    limits = inference.settings.limits
    corrected = None
    if boxes is not None:
        corrected = [CorrectedBox(box.label, *box.corners_px) for box in boxes]
    try:
        content = photo.file.read(int(limits.max_request_mb * 1e6))
        inference.keep_photo(photo.counted.record, content, corrected)
    except (OSError, ValueError):
        logger.exception("the photo of prediction %s cannot be kept", photo.counted.record.id)
        return "The photo could not be kept: it is no longer here, or there is no room."
    what = "The photo is" if corrected is None else "The photo and its boxes are"
    return f"{what} kept for the next model, {limits.keep_days} days at most."


def _differs(photo: PagePhoto) -> bool:
    """Whether the corrected boxes are others than the model's at its own threshold."""
    model = {(box.label, box.x_min_px, box.y_min_px, box.x_max_px, box.y_max_px)
             for box in photo.counted.record.boxes}  # fmt: skip
    return {(box.label, *box.corners_px) for box in photo.corrected or ()} != model


def _nothing(why: str) -> Json:
    return {"saved": False, "message": f"Nothing was saved: {why}"}
