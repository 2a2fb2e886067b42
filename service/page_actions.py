"""What the page shows, writes and saves; functions of values, independent of the widgets."""

from __future__ import annotations

import json
import logging
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.answers import describe_model
from service.inference_service import InferenceService
from service.page_values import DisplayOptions
from service.page_visit import PagePhoto
from service.pictures import annotated, encoded
from sparrow.atomic_file import write_atomic
from sparrow.drawing.boxes import BoxStyle
from sparrow.images import ImageError, RgbImage, read_image
from sparrow.inference.count_formats import coco, csv_text, row
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.object_size import size_in_words
from sparrow.predictions.count_words import (
    count_in_words,
    interval_in_words,
    number_in_words,
    total_in_words,
)
from sparrow.predictions.log import UnknownPredictionError
from sparrow.predictions.photo_filter import PhotoFilter
from sparrow.predictions.record import PredictionRecord
from sparrow.reports.templates import render

logger = logging.getLogger("sparrow.service")

_PICTURE = re.compile(r"^!\[.*\]\([\w./-]+\)\n*", re.MULTILINE)
TABLE_COLUMNS = ("Photo", "Count", "Likely", "Remark")


def headline(photos: Sequence[PagePhoto], min_score: float) -> str:
    """The answer in large type, as HTML."""
    counts = [photo.count_above(min_score) for photo in photos]
    readable = [count for count in counts if count is not None]
    if not photos:
        return ""
    if not readable:
        return _answer("No photo could be counted", "See the remarks below.")
    if len(photos) == 1:
        low, high = photos[0].interval(min_score)
        words = count_in_words(readable[0], low, high, photos[0].class_names)
        hint = "" if readable[0] else "Try a closer photo, or one in better light."
        size = size_in_words(photos[0].counted.smallest_px)
        size = f"{size[:1].upper()}{size[1:]}." if size else ""
        return _answer(words, " ".join(filter(None, [hint, size])))
    least = any(photo.is_minimum(min_score) for photo in photos)
    total = total_in_words(sum(readable), photos[0].class_names, minimum=least)
    unread = len(photos) - len(readable)
    hint = f"{unread} of {len(photos)} photos could not be counted." if unread else ""
    return _answer(f"{total} in {len(readable)} photos", hint)


def _answer(words: str, hint: str) -> str:
    return render("answer.html", words=words, hint=hint)


def table(photos: Sequence[PagePhoto], min_score: float) -> str:
    """One row per photo under ``TABLE_COLUMNS``, as HTML."""
    rows = []
    for photo in photos:
        count = photo.count_above(min_score)
        number = number_in_words(count or 0, minimum=photo.is_minimum(min_score))
        nothing = "none found" if count == 0 else ""
        size = size_in_words(photo.counted.smallest_px)
        remark = photo.counted.message or "; ".join(filter(None, [nothing, size]))
        if photo.same:
            same = f"the same photo as {', '.join(photo.same)}: counted once"
            remark = f"{remark}; {same}" if remark else same
        likely = interval_in_words(*photo.interval(min_score))
        rows.append([photo.path.name, "" if count is None else number, likely, remark])
    return _html_table(rows, TABLE_COLUMNS)


def _html_table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    return render("page_table.html", header=header, rows=rows)


def pictures(photo: PagePhoto, options: DisplayOptions) -> tuple[RgbImage | None, RgbImage | None]:
    """The photo and a copy with its boxes; None for a photo that could not be counted.

    Returns:
        (original, annotated), both uint8 [height, width, 3] and upright.

    Raises:
        ValueError: the uploaded file no longer exists; files are kept for an hour.
    """
    record = photo.counted.record
    if record.error is not None:
        return None, None
    try:
        image = read_image(photo.path, record.width_px * record.height_px)
    except ImageError as error:  # it was readable once: it is removed or replaced
        raise ValueError(f"{photo.path.name} is no longer here; please add it again") from error
    drawn = annotated(
        image,
        record,
        photo.class_names,
        min_score=options.min_score,
        style=BoxStyle(options.color, show_scores=options.show_scores),
    )
    return image, drawn


def write_downloads(
    photos: Sequence[PagePhoto], options: DisplayOptions, keep: Callable[[Path], str]
) -> list[str]:
    """Write ``counts.csv``, ``counts.coco.json`` and ``annotated.zip``.

    Args:
        photos: the photos shown.
        options: boxes below ``min_score`` are left out of all three files.
        keep: copies a file to a folder that is served and tidied; returns its new path.

    Raises:
        ValueError: see ``pictures``.
    """
    records = [_at_score(photo, options.min_score) for photo in photos]
    # Two photos of a session may have been counted by different champions.
    names = list(dict.fromkeys(name for photo in photos for name in photo.class_names))
    with tempfile.TemporaryDirectory(prefix="sparrow-page-") as name:
        folder = Path(name)
        write_atomic(folder / "counts.csv", csv_text([row(record) for record in records]))
        write_atomic(folder / "counts.coco.json", json.dumps(coco(records, names), indent=1))
        with zipfile.ZipFile(folder / "annotated.zip", "w", zipfile.ZIP_STORED) as archive:
            for position, photo in enumerate(photos, 1):
                _, drawn = pictures(photo, options)
                if drawn is not None:
                    archive.writestr(f"{position:03d}-{photo.path.stem}.jpg", encoded(drawn))
        files = ("counts.csv", "counts.coco.json", "annotated.zip")
        return [keep(folder / file) for file in files]


def _at_score(photo: PagePhoto, min_score: float) -> PredictionRecord:
    record = photo.counted.record
    low, high = photo.interval(min_score)
    boxes = tuple(box for box in record.boxes if box.score >= min_score)
    return replace(
        record, boxes=boxes, count=photo.count_above(min_score), count_low=low, count_high=high
    )


def save_feedback(inference: InferenceService, photo: PagePhoto, true_count: int) -> str:
    """Store the true count of a photo; returns the result as a sentence.

    The prediction is marked as wrong where the model's count at its own threshold differs: a person
    who moves the slider until the number is right has corrected the model. A count that is a
    minimum is right where there are more.
    """
    record = photo.counted.record
    counted = record.count or 0
    wrong = true_count < counted if record.count_is_minimum else true_count != counted
    try:
        inference.add_feedback(record.id, true_count, wrong=wrong)
    except UnknownPredictionError:
        return (
            f"Nothing was saved: the count of {photo.path.name} is no longer in the log. "
            "Please add the photo again in a new window."
        )
    except Exception:  # of any database; its message goes to the service's log only
        logger.exception("feedback on prediction %s could not be stored", record.id)
        return "Nothing was saved: the log cannot be reached just now. Please try again later."
    return f"Thank you. Saved: {true_count} in {photo.path.name}."


def service_statistics(inference: InferenceService) -> str:
    """The service's last 24 hours, as an HTML table."""
    try:
        summary = inference.log.summary(PhotoFilter(since=datetime.now(UTC) - timedelta(days=1)))
    except Exception:
        logger.exception("the prediction log could not be read")
        return _html_table([("The log cannot be read just now. Please try again later.",)])
    counter = inference.counter
    mean = summary["mean_latency_ms"]
    lines = [
        ("Model", f"{counter.info.name}, version {counter.version}"),
        ("Photos in the last 24 hours", str(summary["photos"])),
        (
            "Objects counted",
            ("at least " if summary["minimums"] else "") + str(summary["detections"]),
        ),
        ("Photos without any", str(summary["empty"])),
        ("Photos that could not be counted", str(summary["errors"])),
        ("Mean time of a counted photo", "–" if mean is None else f"{mean:.0f} ms"),
    ]
    return _html_table(lines)


def model_text(inference: InferenceService) -> str:
    """The model card, or a paragraph on a model that has none, in Markdown."""
    model = describe_model(inference.counter)
    if model.card is not None:
        return _PICTURE.sub("", model.card)  # the page has no address for the card's photo
    classes = ", ".join(name.replace("_", " ") for name in model.class_names)
    trained = datetime.fromisoformat(model.trained_at)
    return (
        f"### {model.name}, version {model.version}\n\nFinds: {classes}. Trained on "
        f"{trained:%d %B %Y} with data version `{model.data_version}`. Boxes below a score of "
        f"{model.threshold:.2f} are not shown. {most_in_words(inference.counter.info)} "
        "This model came without a card."
    )


def most_in_words(info: ModelInfo) -> str:
    """How many objects a model finds in one photo at most, in a sentence."""
    if info.max_objects is None:
        return "How many it finds in a photo at most is not recorded."
    return (
        f"It finds at most {info.max_objects} in one photo: a count that reaches "
        f"{info.max_objects} is shown as “{number_in_words(info.max_objects, minimum=True)}”."
    )
