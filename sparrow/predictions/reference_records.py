"""Records of photos whose detections are at hand: those of a model's ``reference.parquet``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sparrow.detections import Detections
from sparrow.predictions.record import ClassCount, Estimate, PredictionRecord, new_id

_MEASURED = (
    "sha256", "width_px", "height_px", "brightness", "contrast", "sharpness", "saturation",
)  # fmt: skip


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
    counts: Mapping[str, tuple[Estimate, Sequence[ClassCount]]],
) -> list[PredictionRecord]:
    """Records of photos whose detections are at hand, such as a model's held-out photos.

    Args:
        detections: by photo name.
        photos: rows of the photo table (``images.to_dict("records")``), measured: ``image``,
            ``sha256``, ``width_px``, ``height_px`` and the four image statistics.
        model: that found them.
        counts: by photo name those of all classes together, and of each.
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
        records.append(record.with_detections(kept, model.class_names, *counts[name]))
    return records
