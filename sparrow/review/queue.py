"""The review queue as a folder: photos, boxes to correct, a list with reasons, contact sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sparrow.boxes import clip_boxes
from sparrow.data.checks.photo_record import read_photo_bytes
from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import PhotoRow, make_dataset, new_folder
from sparrow.data.formats.coco import find_coco, read_coco, write_coco
from sparrow.data.formats.csv import quoting_of
from sparrow.data.tables import UNKNOWN, Dataset
from sparrow.images import file_suffix, read_image
from sparrow.plain_text import one_line, utf8
from sparrow.predictions.window import Window
from sparrow.progress import Progress
from sparrow.regular_file import open_regular, sha256_of
from sparrow.review.selection import XYXY, Pick
from sparrow.review.sheet import PHOTOS_ON_A_SHEET, queue_tile, write_sheet
from sparrow.spreadsheet import as_cell, from_cell

LABELS = "instances.json"  # boxes to correct, COCO
LABELS_SUM = LABELS + ".sha256"  # of the boxes as the model drew them
LIST = "queue.csv"
LIST_COLUMNS = ("image", "sent_as", "time", "model_version", "count", "random_empty", "why")


@dataclass(frozen=True)
class Rights:
    """Who made the photos and under which terms: what the log of a service cannot know."""

    author: str = UNKNOWN
    source: str = UNKNOWN
    license: str = UNKNOWN


def write_queue(
    folder: Path,
    picks: Sequence[Pick],
    window: Window,
    files: Mapping[str, Path],
    class_names: Sequence[str],
    rights: Rights,
    progress: Progress | None = None,
) -> None:
    """Write the whole queue, or nothing.

    A photo is called after its prediction, so that what comes back can be laid beside the log.

    Args:
        folder: to make: ``images/``, ``instances.json`` (pre-boxed with what the model found),
            ``queue.csv`` and ``contact-sheet-1.jpg`` …
        picks: at least one.
        window: of the log, with the rows and boxes of the picks.
        files: the photos, by prediction id; they are copied as they are.
        class_names: what a person may choose from.
        rights: of all photos.

    Raises:
        DataError: the folder holds files, or there is nothing to write.
        ImageError: a photo can no longer be read.
    """
    if not picks:
        raise DataError("there is no photo for the queue")
    photos = {row["id"]: row for row in window.photos.to_dict("records")}
    boxes = dict(iter(window.boxes.groupby("prediction_id")))
    rows, listed, tiles = [], [], []
    with new_folder(folder) as place:
        (place / "images").mkdir()
        for number, pick in enumerate(picks, 1):
            photo = photos[pick.prediction_id]
            content = read_photo_bytes(files[pick.prediction_id])
            name = pick.prediction_id + file_suffix(content)
            (place / "images" / name).write_bytes(content)
            drawn = _boxes(boxes.get(pick.prediction_id), photo)
            rows.append(_photo_row(name, photo, drawn, rights))
            listed.append(_list_row(name, photo, pick))
            boxes_xyxy = [box[1:] for box in drawn]
            tiles.append(queue_tile(read_image(content), boxes_xyxy, _caption(photo, pick)))
            if len(tiles) == PHOTOS_ON_A_SHEET or number == len(picks):
                page = -(-number // PHOTOS_ON_A_SHEET)
                write_sheet(tiles, place / f"contact-sheet-{page}.jpg")
                tiles = []
            if progress:
                progress(number, len(picks))
        write_coco(make_dataset(place, rows), place / LABELS, class_names)
        (place / LABELS_SUM).write_text(f"{sha256_of(place / LABELS)}  {LABELS}\n")
        table = pd.DataFrame(listed, columns=list(LIST_COLUMNS))
        table = table.map(lambda cell: as_cell(utf8(cell)) if isinstance(cell, str) else cell)
        table.to_csv(place / LIST, index=False, encoding="utf-8", quoting=quoting_of(table))


def random_sample(folder: Path) -> list[str]:
    """Photo names of a queue's random part.

    Raises:
        DataError: the folder is not a queue.
    """
    try:
        with open_regular(folder / LIST) as file:
            table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")
        return [from_cell(name) for name in table["image"][table["random_empty"] == "yes"]]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{folder}: expected a folder written by `sparrow review`, with its {LIST} ({error})"
        ) from error


def corrected_labels(folder: Path, labels: Path) -> Dataset:
    """What a person made of the queue's boxes.

    Args:
        folder: the queue.
        labels: the corrected COCO file, or a folder with one.

    Raises:
        DataError: not COCO, or still the very file that the model's boxes were written to.
    """
    path = find_coco(labels)
    try:
        with open_regular(folder / LABELS_SUM) as file:
            drawn = file.read(4096).decode("utf-8", "replace").split()[:1]
        untouched = drawn == [sha256_of(path)]
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from error
    if untouched:
        raise DataError(
            f"{path}: these are the model's own boxes, as `sparrow review` wrote them; expected "
            "the file that a person corrected"
        )
    return read_coco(path)


def _boxes(
    boxes: pd.DataFrame | None, photo: Mapping[Any, Any]
) -> list[tuple[str, float, float, float, float]]:
    if boxes is None:
        return []
    inside = clip_boxes(boxes[XYXY].to_numpy(dtype=float), photo["width_px"], photo["height_px"])
    rounded = inside.round(1).tolist()
    return [
        (str(label), x_min, y_min, x_max, y_max)
        for label, (x_min, y_min, x_max, y_max) in zip(boxes["label"], rounded, strict=True)
        if x_max > x_min and y_max > y_min
    ]


def _photo_row(
    name: str,
    photo: Mapping[Any, Any],
    boxes: Sequence[tuple[str, float, float, float, float]],
    rights: Rights,
) -> PhotoRow:
    return PhotoRow(
        image=name,
        width_px=int(photo["width_px"]),
        height_px=int(photo["height_px"]),
        boxes=boxes,
        author=rights.author,
        source=rights.source,
        license=rights.license,
    )


def _list_row(name: str, photo: Mapping[Any, Any], pick: Pick) -> tuple[object, ...]:
    return (
        name,
        photo["file_name"],
        photo["time"].isoformat(timespec="seconds"),
        photo["model_version"],
        int(photo["count"]),
        "yes" if pick.random_empty else "no",
        "; ".join(pick.reasons),
    )


def _caption(photo: Mapping[Any, Any], pick: Pick) -> str:
    name = one_line(photo["file_name"])
    return f"{name}, counted {photo['count']:.0f}. {'; '.join(pick.reasons)}"
