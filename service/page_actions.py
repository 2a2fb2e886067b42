"""What the page does with photos; plain functions, without a widget in them."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

from service.desk import Desk
from service.intake import Upload
from service.pictures import annotated, encoded
from sparrow.count_formats import coco, csv_text, row
from sparrow.counter import CountedPhoto, count_in_words
from sparrow.images import RgbImage, read_image
from sparrow.prediction_record import PredictionRecord

TABLE_COLUMNS = ("Photo", "Count", "Likely", "Remark")


@dataclass(frozen=True)
class PagePhoto:
    """One photo of a visitor: where it lies, and what became of it."""

    path: Path
    counted: CountedPhoto
    class_names: tuple[str, ...]
    threshold: float

    def count_above(self, min_score: float) -> int | None:
        """Boxes with at least this score; None where the photo could not be counted."""
        if self.counted.record.count is None:
            return None
        if min_score <= self.threshold:
            return self.counted.record.count
        return sum(box.score >= min_score for box in self.counted.record.boxes)

    def interval(self, min_score: float) -> tuple[int | None, int | None]:
        """The count's interval; it holds at the model's own threshold only."""
        record = self.counted.record
        return (
            (record.count_low, record.count_high) if min_score <= self.threshold else (None, None)
        )


def count_files(
    desk: Desk, paths: Sequence[Path], progress: Callable[[int, int], None]
) -> list[PagePhoto]:
    """Count a visitor's photos.

    Raises:
        ValueError: more than one request may hold.
    """
    limit = desk.settings.limits.max_photos
    if len(paths) > limit:
        raise ValueError(f"{len(paths)} photos at once; at most {limit} are accepted here")
    counter = desk.counter
    waiting = [desk.submit(Upload(path.name, path.read_bytes()), "page", counter) for path in paths]
    photos = []
    for path, future in zip(paths, waiting, strict=True):
        counted = future.result().counted
        photos.append(PagePhoto(path, counted, counter.info.class_names, counter.info.threshold))
        progress(len(photos), len(paths))
    return photos


def headline(photos: Sequence[PagePhoto], min_score: float) -> str:
    """The answer in large type, as HTML."""
    counts = [photo.count_above(min_score) for photo in photos]
    readable = [count for count in counts if count is not None]
    if not photos:
        return ""
    if not readable:
        return _large("No photo could be read", "See the remarks below.")
    if len(photos) == 1:
        low, high = photos[0].interval(min_score)
        words = count_in_words(readable[0], low, high, photos[0].class_names)
        hint = "" if readable[0] else "Try a closer photo, or one in better light."
        return _large(words, hint)
    total = count_in_words(sum(readable), None, None, photos[0].class_names)
    unread = len(photos) - len(readable)
    hint = f"{unread} of {len(photos)} photos could not be read." if unread else ""
    return _large(f"{total} in {len(readable)} photos", hint)


def _large(words: str, hint: str) -> str:
    detail = f"<p>{escape(hint)}</p>" if hint else ""
    return f'<div class="answer" role="status"><h2>{escape(words)}</h2>{detail}</div>'


def table(photos: Sequence[PagePhoto], min_score: float) -> str:
    """One row per photo under ``TABLE_COLUMNS``, as HTML."""
    rows = []
    for photo in photos:
        count = photo.count_above(min_score)
        low, high = photo.interval(min_score)
        likely = "" if low is None or high is None else f"{low} to {high}"
        remark = photo.counted.message or ("none found" if count == 0 else "")
        rows.append([photo.path.name, "" if count is None else str(count), likely, remark])
    return _html_table(rows, TABLE_COLUMNS)


def _html_table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if header else ""
    return f'<div class="scroll"><table>{top}<tbody>{body}</tbody></table></div>'


def pictures(
    photo: PagePhoto, min_score: float, show_scores: bool, color: str
) -> tuple[RgbImage | None, RgbImage | None]:
    """(original, annotated), upright; None for a photo that could not be counted."""
    if photo.counted.record.error is not None:
        return None, None
    image = read_image(photo.path)
    drawn = annotated(
        image, photo.counted.record, min_score=min_score, show_scores=show_scores, color=color
    )
    return image, drawn


def write_downloads(
    photos: Sequence[PagePhoto], min_score: float, show_scores: bool, color: str
) -> list[str]:
    """``counts.csv``, ``counts.coco.json`` and ``annotated.zip`` in a fresh folder."""
    folder = Path(tempfile.mkdtemp(prefix="sparrow-page-"))
    records = [_at_score(photo, min_score) for photo in photos]
    names = photos[0].class_names
    (folder / "counts.csv").write_text(csv_text([row(record) for record in records]))
    (folder / "counts.coco.json").write_text(json.dumps(coco(records, names), indent=1))
    with zipfile.ZipFile(folder / "annotated.zip", "w", zipfile.ZIP_STORED) as archive:
        for position, photo in enumerate(photos, 1):
            _, drawn = pictures(photo, min_score, show_scores, color)
            if drawn is not None:
                archive.writestr(f"{position:03d}-{photo.path.stem}.jpg", encoded(drawn))
    return [str(folder / name) for name in ("counts.csv", "counts.coco.json", "annotated.zip")]


def _at_score(photo: PagePhoto, min_score: float) -> PredictionRecord:
    record = photo.counted.record
    low, high = photo.interval(min_score)
    boxes = tuple(box for box in record.boxes if box.score >= min_score)
    return replace(
        record, boxes=boxes, count=photo.count_above(min_score), count_low=low, count_high=high
    )


def service_figures(desk: Desk) -> str:
    """The last 24 hours as an HTML table."""
    summary = desk.log.summary(since=datetime.now(UTC) - timedelta(days=1))
    counter = desk.counter
    mean = summary["mean_latency_ms"]
    lines = [
        ("Model", f"{counter.info.name}, version {counter.version}"),
        ("Photos in the last 24 hours", str(summary["photos"])),
        ("Birds counted", str(summary["detections"])),
        ("Photos without a bird", str(summary["empty"])),
        ("Photos that could not be read", str(summary["errors"])),
        ("Mean time per photo", "–" if mean is None else f"{mean:.0f} ms"),
    ]
    return _html_table(lines)


def model_text(desk: Desk) -> str:
    """The model card, or what is known without one, in Markdown."""
    from service.web import describe_model

    model = describe_model(desk)
    if model.card is not None:
        return model.card
    classes = ", ".join(name.replace("_", " ") for name in model.class_names)
    trained = datetime.fromisoformat(model.trained_at)
    return (
        f"### {model.name}, version {model.version}\n\nFinds: {classes}. Trained on "
        f"{trained:%d %B %Y} with data version `{model.data_version}`. Boxes below a score of "
        f"{model.threshold:.2f} are not shown. This model came without a card."
    )
