"""Counted photos as tables and files for other programs: CSV rows, COCO, MegaDetector's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sparrow.plain_text import utf8
from sparrow.predictions.class_columns import ClassColumns, class_columns, class_values
from sparrow.predictions.record import LoggedBox, PredictionRecord
from sparrow.spreadsheet import as_cell

ROW_COLUMNS = (
    "file", "count", "count_low", "count_high", "error", "width_px", "height_px",
    "model_name", "model_version", "milliseconds", "time", "count_is_minimum",
)  # fmt: skip

# The words that MegaDetector's own tools write, by the errors of the prediction log.
_MEGADETECTOR_FAILURES = {
    "unreadable_photo": "image access failure",
    "detector_failed": "inference failure",
}


def columns_by_class(class_names: Sequence[str]) -> list[ClassColumns]:
    """The columns that follow ``ROW_COLUMNS`` where a model has several classes."""
    return class_columns(class_names, ROW_COLUMNS)


def row(record: PredictionRecord, by_class: Sequence[ClassColumns] = ()) -> dict[str, Any]:
    """One photo for a table; what is not known is None.

    Args:
        by_class: the columns of the model's classes.
    """
    return {
        "file": utf8(record.file_name),
        "count": record.count,
        "count_low": record.count_low,
        "count_high": record.count_high,
        "error": record.error,
        "width_px": record.width_px,
        "height_px": record.height_px,
        "model_name": record.model_name,
        "model_version": record.model_version,
        "milliseconds": round(record.latency_ms, 1),
        "time": record.time.isoformat(timespec="seconds"),
        "count_is_minimum": None if record.count is None else record.count_is_minimum,
        **class_values(record, by_class),
    }


def csv_text(rows: Sequence[dict[str, Any]], by_class: Sequence[ClassColumns] = ()) -> str:
    """A CSV with its header, also for no rows; no text in it runs as a spreadsheet's formula.

    Args:
        rows: of ``row``, with the same ``by_class``.
        by_class: the columns of the model's classes.
    """
    names = (*ROW_COLUMNS, *(name for columns in by_class for name in columns.names))
    lines = [names, *([entry[name] for name in names] for entry in rows)]
    return "".join(map(csv_line, lines))


def csv_line(cells: Iterable[object]) -> str:
    """One row of a CSV; no text in it runs as a spreadsheet's formula."""
    return ",".join(map(_field, cells)) + "\n"


def _field(value: object) -> str:
    """One cell. The standard library leaves a carriage return bare, which ends a row for many."""
    text = "" if value is None else as_cell(value) if isinstance(value, str) else str(value)
    quoted = '"' + text.replace('"', '""') + '"'
    return quoted if set(text) & set(',"\r\n') else text


def coco(records: Sequence[PredictionRecord], class_names: Sequence[str]) -> dict[str, Any]:
    """COCO's data format with scores; unreadable photos are left out. Boxes are xywh, in pixels."""
    readable = [record for record in records if record.error is None]
    boxes = [(i, box) for i, record in enumerate(readable, 1) for box in record.boxes]
    return {
        "images": [coco_image(record, i) for i, record in enumerate(readable, 1)],
        "annotations": [
            {"id": number, **coco_annotation(box, image_id, class_names)}
            for number, (image_id, box) in enumerate(boxes, 1)
        ],
        "categories": coco_categories(class_names),
    }


def coco_categories(class_names: Sequence[str]) -> list[dict[str, Any]]:
    """The ``categories`` of ``coco``."""
    return [{"id": i, "name": name} for i, name in enumerate(class_names, 1)]


def coco_image(record: PredictionRecord, image_id: int) -> dict[str, Any]:
    """One of the ``images`` of ``coco``."""
    return {
        "id": image_id,
        "file_name": utf8(record.file_name),
        "width": record.width_px,
        "height": record.height_px,
    }


def coco_annotation(box: LoggedBox, image_id: int, class_names: Sequence[str]) -> dict[str, Any]:
    """One of the ``annotations`` of ``coco``, without its id."""
    return {**coco_result(box, image_id, class_names), "area": _area(box), "iscrowd": 0}


def coco_result(box: LoggedBox, image_id: int, class_names: Sequence[str]) -> dict[str, Any]:
    """A box as COCO's results have it, which its evaluation reads beside a data set."""
    return {
        "image_id": image_id,
        "category_id": class_names.index(box.label) + 1,
        "bbox": [box.x_min_px, box.y_min_px, box.x_max_px - box.x_min_px, _height(box)],
        "score": box.score,
    }


def _height(box: LoggedBox) -> float:
    return box.y_max_px - box.y_min_px


def _area(box: LoggedBox) -> float:
    return (box.x_max_px - box.x_min_px) * _height(box)


def megadetector(
    records: Sequence[PredictionRecord],
    class_names: Sequence[str],
    when: str,
    skipped: Sequence[dict[str, str]] = (),
    threshold: float | None = None,
) -> dict[str, Any]:
    """MegaDetector's batch format 1.4: boxes are x, y, width, height as shares of the photo.

    See https://lila.science/megadetector-output-format. A photo that failed has its ``failure``
    there; files that were never counted have no place but ``info``, which takes further fields.
    Where it has boxes that are not counted, ``threshold`` tells readers from which score they are.
    """
    first = records[0] if records else None
    counted = {"detector_metadata": {"typical_detection_threshold": threshold}}
    return {
        "info": {
            "format_version": "1.4",
            "detector": f"{first.model_name} {first.model_version}" if first else "unknown",
            "detection_completion_time": when,
            **({} if threshold is None else counted),
            **({"skipped_files": list(skipped)} if skipped else {}),
        },
        "detection_categories": {str(i): name for i, name in enumerate(class_names, 1)},
        "images": [megadetector_image(record, class_names) for record in records],
    }


def megadetector_image(
    record: PredictionRecord, class_names: Sequence[str], faint: Sequence[LoggedBox] = ()
) -> dict[str, Any]:
    """One of the ``images`` of ``megadetector``; ``faint``: boxes that are not counted."""
    if record.error is not None:
        failure = _MEGADETECTOR_FAILURES.get(record.error, record.error)
        return {"file": record.file_name, "failure": failure, "detections": None}
    width, height = record.width_px, record.height_px
    return {
        "file": record.file_name,
        "width": width,
        "height": height,
        "detections": [
            {
                "category": str(class_names.index(box.label) + 1),
                "conf": box.score,
                "bbox": [
                    box.x_min_px / width,
                    box.y_min_px / height,
                    (box.x_max_px - box.x_min_px) / width,
                    (box.y_max_px - box.y_min_px) / height,
                ],
            }
            for box in (*record.boxes, *faint)
        ],
    }
