"""The same picture under two names: two people drew its boxes, or one of both is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from sparrow.boxes import box_iou
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.formats.annotations import PhotoRow
from sparrow.data.formats.import_report import ImportReport
from sparrow.data.formats.source_files import SourceFiles
from sparrow.regular_file import sha256_of

SAME_OBJECT_IOU = 0.5  # as evaluation matches boxes: two people never draw the same corners


def refuse_contradictions(
    rows: Sequence[PhotoRow], files: SourceFiles, report: ImportReport
) -> None:
    """Look at photos of the same bytes; what agrees about the objects is counted.

    Raises:
        DataError: two of them differ in their objects or classes; both are named.
    """
    for first, second in _pairs(rows, files):
        if not _same_objects(first, second):
            raise DataError(
                f"{first.image} and {second.image} are the same picture, but their boxes differ "
                f"({_shown(first)}; {_shown(second)}); keep the right one"
            )
        what = "photos are there twice, with boxes of the same objects"
        report.add(what, f"{first.image} and {second.image}")


def _pairs(rows: Sequence[PhotoRow], files: SourceFiles) -> Iterator[tuple[PhotoRow, PhotoRow]]:
    """Each photo of which an earlier one has the same bytes, with that one."""
    by_size: dict[int, list[PhotoRow]] = defaultdict(list)
    for row in rows:
        path = files.path(row.image)
        with as_data_errors("cannot be read", path):
            by_size[path.stat().st_size].append(row)
    for alike in by_size.values():
        seen: dict[str, PhotoRow] = {}
        for row in alike if len(alike) > 1 else ():
            path = files.path(row.image)
            with as_data_errors("cannot be read", path):
                first = seen.setdefault(sha256_of(path), row)
            if first is not row:
                yield first, row


def _same_objects(first: PhotoRow, second: PhotoRow) -> bool:
    """Whether each box of one has its box of the same class in the other."""
    if sorted(box[0] for box in first.boxes) != sorted(box[0] for box in second.boxes):
        return False
    if not first.boxes:
        return True
    a, b = (np.array([box[1:] for box in row.boxes], dtype=float) for row in (first, second))
    iou = box_iou(a, b)
    classes = np.array([[x[0] == y[0] for y in second.boxes] for x in first.boxes])
    iou = np.where(classes, iou, 0.0)
    for _ in range(len(first.boxes)):
        row, column = np.unravel_index(iou.argmax(), iou.shape)
        if iou[row, column] < SAME_OBJECT_IOU:
            return False
        iou[row, :] = iou[:, column] = -1.0
    return True


def _shown(row: PhotoRow) -> str:
    boxes = (f"{label} {', '.join(f'{v:g}' for v in xyxy)}" for label, *xyxy in row.boxes)
    return " and ".join(boxes) or "none"
