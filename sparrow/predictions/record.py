"""One photo of the prediction log: the record that fills a row of each of its tables."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from sparrow.detections import Detections
from sparrow.image_statistics import MeasuredPhoto, image_statistics
from sparrow.images import RgbImage
from sparrow.predictions.count_words import is_minimum


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
class ClassCount:
    """The objects of one class in a photo.

    Each interval holds with the model's confidence by itself: that the intervals of all classes
    hold in one photo is less likely.

    Attributes:
        label: the class.
        count: its boxes at or above the operating threshold.
        low, high: the interval of its count; None where the class has no calibrated count. As for
            the photo's count, ``high`` alone is None where the count is a minimum.
    """

    label: str
    count: int
    low: int | None
    high: int | None

    @property
    def is_minimum(self) -> bool:
        """Whether the photo's count reached the most that the model finds: there may be more."""
        return is_minimum(self.low, self.high)


@dataclass(frozen=True)
class PredictionRecord:
    """One photo in the log: a row of ``photos_table`` and what belongs to it in its child tables.

    Attributes:
        boxes: best score first.
        class_counts: one for every class of the model in the model's order, zero included; empty
            where the photo could not be counted, and in rows of a release that did not have them.
        tiles: that the model was shown beside the whole photo, to find small objects; 0: none.
    """

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
    class_counts: tuple[ClassCount, ...] = ()
    tiles: int = 0

    @property
    def n_detections(self) -> int:
        return len(self.boxes)

    @property
    def count_is_minimum(self) -> bool:
        """Whether the count reached the most that the model finds: there may be more."""
        return is_minimum(self.count_low, self.count_high)

    def with_photo(
        self, image: RgbImage | MeasuredPhoto, size_px: tuple[int, int]
    ) -> PredictionRecord:
        """A copy with the photo's size and image statistics.

        Args:
            image: uint8 [height, width, 3], the photo; or what was measured of it before.
            size_px: (width, height) of the upright photo.
        """
        brightness, contrast, sharpness, saturation = image_statistics(image)
        return replace(
            self,
            width_px=size_px[0],
            height_px=size_px[1],
            brightness=brightness,
            contrast=contrast,
            sharpness=sharpness,
            saturation=saturation,
        )

    def with_detections(
        self,
        detections: Detections,
        class_names: Sequence[str],
        estimate: Estimate,
        class_counts: Sequence[ClassCount] = (),
    ) -> PredictionRecord:
        """A copy with what was found (already cut at the operating threshold) and the counts."""
        return replace(
            self,
            boxes=logged_boxes(detections, class_names),
            count=estimate.count,
            count_low=estimate.low,
            count_high=estimate.high,
            class_counts=tuple(class_counts),
        )

    def without_interval(self) -> PredictionRecord:
        """A copy that claims no interval; that its count is a minimum stays said."""
        low = self.count_low if self.count_is_minimum else None
        counts = (
            replace(counted, low=counted.low if counted.is_minimum else None, high=None)
            for counted in self.class_counts
        )
        return replace(self, count_low=low, count_high=None, class_counts=tuple(counts))

    def row(self) -> dict[str, Any]:
        """Values of the columns of ``photos_table``; the time is naive UTC."""
        from sparrow.predictions.log_tables import photos_table  # SQLAlchemy; not needed to count

        values = {c.name: getattr(self, c.name) for c in photos_table.columns}
        values |= {"time": naive_utc(self.time), "file_name": storable_text(self.file_name)}
        return values

    def box_rows(self) -> list[dict[str, Any]]:
        """Values of the columns of ``boxes_table``, one mapping per box."""
        return [
            {"prediction_id": self.id, "position": i, **asdict(box)}
            for i, box in enumerate(self.boxes)
        ]

    def class_count_rows(self) -> list[dict[str, Any]]:
        """Values of the columns of ``class_counts_table``, one mapping per class."""
        return [
            {"prediction_id": self.id, "position": i, **asdict(counted)}
            for i, counted in enumerate(self.class_counts)
        ]

    def tile_rows(self) -> list[dict[str, Any]]:
        """Values of the columns of ``tiled_table``: a mapping where there were tiles."""
        return [{"prediction_id": self.id, "tiles": self.tiles}] if self.tiles else []

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PredictionRecord:
        """A record of its ``asdict`` with the time as ISO text; of an earlier release, too.

        Raises:
            KeyError, TypeError, ValueError: the values are not those of a record.
        """
        return cls(
            **{
                **values,
                "time": datetime.fromisoformat(values["time"]),
                "boxes": tuple(LoggedBox(**box) for box in values["boxes"]),
                "class_counts": tuple(
                    ClassCount(**counted) for counted in values.get("class_counts", ())
                ),
            }
        )


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


def storable_text(text: str) -> str:
    """Text as every database takes it: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def naive_utc(time: datetime) -> datetime:
    """A time as the tables hold it: UTC without a zone.

    Raises:
        ValueError: ``time`` has no zone.
    """
    if time.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found {time.isoformat()}")
    return time.astimezone(UTC).replace(tzinfo=None)
