"""One photo of the prediction log: its tables, and the record that fills a row of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

from sparrow.detections import Detections
from sparrow.image_statistics import image_statistics
from sparrow.images import RgbImage
from sparrow.predictions.count_words import is_minimum

metadata = MetaData()

photos_table = Table(
    "predictions",
    metadata,
    Column("id", String(32), primary_key=True),  # what feedback refers to
    Column("time", DateTime, nullable=False),  # UTC
    Column("source", String(16), nullable=False),  # api, page, cli, reference
    Column("model_name", String(128), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("sha256", String(64), nullable=False),  # of the bytes that were sent
    Column("width_px", Integer, nullable=False),  # of the upright photo; 0 where it is unreadable
    Column("height_px", Integer, nullable=False),
    Column("brightness", Float),  # see sparrow.image_statistics; null where the photo is unreadable
    Column("contrast", Float),
    Column("sharpness", Float),
    Column("saturation", Float),
    Column("latency_ms", Float, nullable=False),  # decoding and detection
    Column("n_detections", Integer, nullable=False),  # rows in boxes: at or above the threshold
    Column("count", Integer),  # null where the photo is unreadable
    Column("count_low", Integer),  # null where the model has no calibrated count
    Column("count_high", Integer),  # null beside a count_low: the count is a minimum
    Column("error", String(32)),  # kind; null where all went well
)
boxes_table = Table(
    "boxes",
    metadata,
    Column("prediction_id", ForeignKey("predictions.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),  # 0 is the best score
    Column("label", String(64), nullable=False),
    Column("score", Float, nullable=False),  # 0..1
    Column("x_min_px", Float, nullable=False),  # pixels of the upright photo
    Column("y_min_px", Float, nullable=False),
    Column("x_max_px", Float, nullable=False),
    Column("y_max_px", Float, nullable=False),
)
feedback_table = Table(
    "feedback",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("prediction_id", ForeignKey("predictions.id"), nullable=False),
    Column("time", DateTime, nullable=False),  # UTC
    Column("true_count", Integer),  # null: only "this is wrong"
    Column("wrong", Boolean, nullable=False),
)
indexes = (
    Index("predictions_time", photos_table.c.time),
    Index("feedback_prediction", feedback_table.c.prediction_id),
)
_MEASURED = (
    "sha256", "width_px", "height_px", "brightness", "contrast", "sharpness", "saturation",
)  # fmt: skip


class Estimate(Protocol):
    """A count and its interval (``sparrow.evaluation.counting.CountEstimate`` is one)."""

    @property
    def count(self) -> int: ...
    @property
    def low(self) -> int | None: ...
    @property
    def high(self) -> int | None: ...


@dataclass(frozen=True)
class LoggedBox:
    """One detection: pixels of the upright photo, score 0..1."""

    label: str
    score: float
    x_min_px: float
    y_min_px: float
    x_max_px: float
    y_max_px: float


@dataclass(frozen=True)
class PredictionRecord:
    """One photo in the log; the columns of ``photos_table`` and its boxes, best score first."""

    id: str
    time: datetime  # aware, UTC
    source: str
    model_name: str
    model_version: str
    file_name: str
    sha256: str = ""
    width_px: int = 0
    height_px: int = 0
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    saturation: float | None = None
    latency_ms: float = 0.0
    count: int | None = None
    count_low: int | None = None
    count_high: int | None = None
    error: str | None = None
    boxes: tuple[LoggedBox, ...] = ()

    @property
    def n_detections(self) -> int:
        return len(self.boxes)

    @property
    def count_is_minimum(self) -> bool:
        """Whether the count reached the most that the model finds: there may be more."""
        return is_minimum(self.count_low, self.count_high)

    def with_photo(self, image: RgbImage) -> PredictionRecord:
        """A copy with the photo's size and image statistics (uint8 [height, width, 3])."""
        brightness, contrast, sharpness, saturation = image_statistics(image)
        return replace(
            self,
            width_px=image.shape[1],
            height_px=image.shape[0],
            brightness=brightness,
            contrast=contrast,
            sharpness=sharpness,
            saturation=saturation,
        )

    def with_detections(
        self, detections: Detections, class_names: Sequence[str], estimate: Estimate
    ) -> PredictionRecord:
        """A copy with what was found (already cut at the operating threshold) and the count."""
        return replace(
            self,
            boxes=logged_boxes(detections, class_names),
            count=estimate.count,
            count_low=estimate.low,
            count_high=estimate.high,
        )

    def row(self) -> dict[str, Any]:
        """Values of the columns of ``photos_table``; the time is naive UTC."""
        values = {c.name: getattr(self, c.name) for c in photos_table.columns}
        values |= {"time": naive_utc(self.time), "file_name": storable_text(self.file_name, 255)}
        return values

    def box_rows(self) -> list[dict[str, Any]]:
        """Values of the columns of ``boxes_table``, one mapping per box."""
        return [
            {"prediction_id": self.id, "position": i, **asdict(box)}
            for i, box in enumerate(self.boxes)
        ]


def logged_boxes(detections: Detections, class_names: Sequence[str]) -> tuple[LoggedBox, ...]:
    """The boxes of detections, in their order, with the names of their classes."""
    rows = zip(detections.labels, detections.scores, detections.boxes_xyxy, strict=True)
    return tuple(
        LoggedBox(class_names[label - 1], float(score), *map(float, box))
        for label, score, box in rows
    )


def new_id() -> str:
    """A fresh prediction id: 32 hex digits."""
    return uuid.uuid4().hex


def storable_text(text: str, length: int) -> str:
    """Text as every database takes it: no NUL, no half of a surrogate pair, at most ``length``."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length]


@dataclass(frozen=True)
class LoggedModel:
    """The model whose detections are logged.

    Attributes:
        name, version: go on every row.
        class_names: by label, the first is label 1.
        threshold: 0..1; detections below it are left out, as in the service.
    """

    name: str
    version: str
    class_names: Sequence[str]
    threshold: float


def records_from_detections(
    detections: Mapping[str, Detections],
    photos: Sequence[Mapping[str, Any]],
    model: LoggedModel,
    estimates: Mapping[str, Estimate],
) -> list[PredictionRecord]:
    """Records of photos whose detections are at hand, such as a model's held-out photos.

    Args:
        detections: by photo name.
        photos: rows of the photo table (``images.to_dict("records")``), measured: ``image``,
            ``sha256``, ``width_px``, ``height_px`` and the four image statistics.
        model: that found them.
        estimates: count and interval by photo name.
    """
    time, records = datetime.now(UTC), []
    for photo in photos:
        name = str(photo["image"])
        record = PredictionRecord(
            id=new_id(),
            time=time,
            source="reference",
            model_name=model.name,
            model_version=model.version,
            file_name=name,
            **{column: photo[column] for column in _MEASURED},
        )
        kept = detections[name].above(model.threshold)
        records.append(record.with_detections(kept, model.class_names, estimates[name]))
    return records


def naive_utc(time: datetime) -> datetime:
    """A time as the tables hold it: UTC without a zone.

    Raises:
        ValueError: ``time`` has no zone.
    """
    if time.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found {time.isoformat()}")
    return time.astimezone(UTC).replace(tzinfo=None)
