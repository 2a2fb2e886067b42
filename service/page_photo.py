"""One photo of a visitor: what was counted in it, what the visitor corrected, what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.page_source import PhotoFile
from service.page_views import Views
from sparrow.false_alarms import FalseAlarms
from sparrow.inference.counter import CountedPhoto
from sparrow.inference.remarks import remarks
from sparrow.predictions.record import ClassCount, LoggedBox
from sparrow.visits.capture import Shot

NO_SHOT = Shot("", "")
Corners = tuple[float, float, float, float]  # left, top, right, bottom; pixels, upright


@dataclass(frozen=True)
class ShownBox:
    """A box on the screen: one that the model found, or one that the visitor drew.

    Attributes:
        label: class.
        corners_px: pixels of the upright photo.
        score: 0..1; None where a person drew the box.
    """

    label: str
    corners_px: Corners
    score: float | None


@dataclass(frozen=True)
class PagePhoto:
    """One photo of a visitor and its boxes, without pixels.

    Where a function takes ``min_score``, None means the model's own threshold, which is the only
    one at which its count has an interval and is logged.

    Attributes:
        sha256: of its bytes; identifies the photo in the session.
        file: where its bytes are, and its name.
        counted: the model's answer.
        class_names: of the model that counted it.
        threshold: the operating threshold of that model.
        max_objects: the most objects that it finds in a photo, where that is known.
        plurals: of its classes, see ``class_nouns``.
        false_alarms: how many photos that model flags though it knows their kind.
        shot: what its EXIF tells of time and camera.
        views: smaller copies to show; None for a photo that could not be counted.
        same: further files in the list with the same bytes.
        corrected: the visitor's boxes in place of the model's.
    """

    sha256: str
    file: PhotoFile
    counted: CountedPhoto
    class_names: tuple[str, ...]
    threshold: float
    max_objects: int | None = None
    plurals: Mapping[str, str] = field(default_factory=dict)
    false_alarms: FalseAlarms | None = None
    shot: Shot = NO_SHOT
    views: Views | None = None
    same: tuple[PhotoFile, ...] = ()
    corrected: tuple[ShownBox, ...] | None = None

    @property
    def model_boxes(self) -> tuple[ShownBox, ...]:
        """All boxes of the model, those below its threshold included, best score first."""
        return tuple(map(_shown, (*self.counted.record.boxes, *self.counted.faint)))

    def boxes(self, min_score: float | None = None) -> tuple[ShownBox, ...]:
        """The boxes on the screen: the visitor's, else the model's with this score or more."""
        if self.corrected is not None:
            return self.corrected
        if min_score is None:
            return tuple(map(_shown, self.counted.record.boxes))
        return tuple(box for box in self.model_boxes if (box.score or 0.0) >= min_score)

    def count(self, min_score: float | None = None) -> int | None:
        """The number on the screen; None where the photo could not be counted."""
        if self.counted.record.count is None:
            return None
        if min_score is None and self.corrected is None:
            return self.counted.record.count
        return len(self.boxes(min_score))

    def class_counts(self, min_score: float | None = None) -> tuple[ClassCount, ...]:
        """One for each class of the model, in its order, zero included; empty where unreadable."""
        own = self.counted.record.class_counts
        if self.counted.record.count is None or (min_score is None and self.corrected is None):
            return own
        labels = [box.label for box in self.boxes(min_score)]
        least = self.is_minimum(min_score)
        counts = [(name, labels.count(name)) for name in self.class_names]
        return tuple(ClassCount(name, n, n if least else None, None) for name, n in counts)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to know of the count besides its number."""
        record = self.counted.record
        return remarks(
            self.counted.smallest_px,
            self.counted.out_of_distribution,
            record.tiles,
            has_range=record.count_low is not None,
        )

    def is_minimum(self, min_score: float | None = None) -> bool:
        """Whether as many boxes are shown as the model can find: there may be more."""
        if self.corrected is not None or self.counted.record.count is None:
            return False
        count, record = self.count(min_score), self.counted.record
        most = self.max_objects is not None and (count or 0) >= self.max_objects
        return most or (record.count_is_minimum and count == record.count)

    def interval(self, min_score: float | None = None) -> tuple[int | None, int | None]:
        """The count's interval, which is valid at the model's own threshold only.

        At others a count that is a minimum has one that begins with the count.
        """
        record = self.counted.record
        if min_score is None and self.corrected is None:
            return record.count_low, record.count_high
        return (self.count(min_score) if self.is_minimum(min_score) else None), None


def _shown(box: LoggedBox) -> ShownBox:
    corners = (box.x_min_px, box.y_min_px, box.x_max_px, box.y_max_px)
    return ShownBox(box.label, corners, box.score)
