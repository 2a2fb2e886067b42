"""The review queue as a folder: photos, boxes to correct, a list with reasons, contact sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sparrow.boxes import clip_boxes
from sparrow.data.checks.photo_record import read_photo_bytes
from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import PhotoRow, make_dataset, new_folder
from sparrow.data.formats.coco import find_coco, read_coco, write_coco
from sparrow.data.formats.csv import quoting_of
from sparrow.data.review_labels import LABELS, note_labels, refuse_untouched
from sparrow.data.tables import UNKNOWN, Dataset
from sparrow.images import file_suffix, read_image
from sparrow.plain_text import one_line, utf8
from sparrow.predictions.corrections import CorrectedBox
from sparrow.predictions.count_words import number_in_words
from sparrow.predictions.window import Window
from sparrow.progress import Progress
from sparrow.regular_file import open_regular
from sparrow.review.selection import XYXY, SelectedPhoto
from sparrow.review.sheet import (
    PHOTOS_ON_A_SHEET,
    LabelledBox,
    classes_in_words,
    queue_tile,
    write_sheet,
)
from sparrow.spreadsheet import as_cell, from_cell

LIST = "queue.csv"
LIST_COLUMNS = ("image", "sent_as", "time", "model_version", "count", "random_empty", "why")


@dataclass(frozen=True)
class Rights:
    """Who made the photos and under which terms: what the log of a service cannot know."""

    author: str = UNKNOWN
    source: str = UNKNOWN
    license: str = UNKNOWN


@dataclass(frozen=True)
class QueueSource:
    """Where the selected photos are from.

    Attributes:
        window: of the log, with their rows and boxes.
        files: the photos, by prediction id; they are copied as they are.
        class_names: what a person may choose from.
        rights: of all photos.
        corrected: boxes that a person left on the page, by prediction id; they are written in the
            place of the model's.
    """

    window: Window
    files: Mapping[str, Path]
    class_names: Sequence[str]
    rights: Rights
    corrected: Mapping[str, Sequence[CorrectedBox]] = field(default_factory=dict)


def write_queue(
    folder: Path,
    selected: Sequence[SelectedPhoto],
    source: QueueSource,
    progress: Progress | None = None,
) -> None:
    """Write the whole queue, or nothing.

    A photo is named after its prediction, so that corrected labels can be compared with the log.

    Args:
        folder: to make: ``images/``, ``instances.json`` (pre-boxed with what the model
            found, or with what a person corrected on the page),
            ``queue.csv`` and ``contact-sheet-1.jpg`` …
        selected: at least one.

    Raises:
        DataError: the folder holds files, or there is nothing to write.
        ImageError: a photo can no longer be read.
    """
    if not selected:
        raise DataError("there is no photo for the queue")
    with new_folder(folder) as place:
        rows = _write_photos(place, selected, source, progress)
        dataset = make_dataset(place, [row.photo for row in rows])
        write_coco(dataset, place / LABELS, source.class_names)
        note_labels(place)
        table = pd.DataFrame([row.listed for row in rows], columns=list(LIST_COLUMNS))
        table = table.map(lambda cell: as_cell(utf8(cell)) if isinstance(cell, str) else cell)
        table.to_csv(place / LIST, index=False, encoding="utf-8", quoting=quoting_of(table))


@dataclass(frozen=True)
class _QueueRow:
    photo: PhotoRow
    listed: tuple[object, ...]


def _write_photos(
    place: Path,
    selected: Sequence[SelectedPhoto],
    source: QueueSource,
    progress: Progress | None,
) -> list[_QueueRow]:
    """Copy the photos, and write the contact sheets of the queue."""
    photos = {row["id"]: row for row in source.window.photos.to_dict("records")}
    boxes = dict(iter(source.window.boxes.groupby("prediction_id")))
    rows, tiles = [], []
    (place / "images").mkdir()
    for number, choice in enumerate(selected, 1):
        photo = photos[choice.prediction_id]
        content = read_photo_bytes(source.files[choice.prediction_id])
        name = choice.prediction_id + file_suffix(content)
        (place / "images" / name).write_bytes(content)
        corrected = source.corrected.get(choice.prediction_id)
        table = boxes.get(choice.prediction_id) if corrected is None else _table_of(corrected)
        drawn = _boxes(table, photo)
        photo_row = _photo_row(name, photo, drawn, source.rights)
        rows.append(_QueueRow(photo_row, _list_row(name, photo, choice)))
        caption = _caption(photo, choice, classes_in_words(drawn, source.class_names))
        tiles.append(queue_tile(read_image(content), drawn, source.class_names, caption))
        if len(tiles) == PHOTOS_ON_A_SHEET or number == len(selected):
            page = -(-number // PHOTOS_ON_A_SHEET)
            write_sheet(tiles, place / f"contact-sheet-{page}.jpg")
            tiles = []
        if progress:
            progress(number, len(selected))
    return rows


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
    """The boxes of a queue as a person corrected them.

    Args:
        folder: the queue.
        labels: the corrected COCO file, or a folder with one.

    Raises:
        DataError: not COCO, or still the file that the model's boxes were written to.
    """
    path = find_coco(labels)
    refuse_untouched(folder, path)
    return read_coco(path)


def _table_of(boxes: Sequence[CorrectedBox]) -> pd.DataFrame | None:
    return pd.DataFrame([asdict(box) for box in boxes]) if boxes else None


def _boxes(boxes: pd.DataFrame | None, photo: Mapping[Any, Any]) -> list[LabelledBox]:
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
    boxes: Sequence[LabelledBox],
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


def _list_row(name: str, photo: Mapping[Any, Any], choice: SelectedPhoto) -> tuple[object, ...]:
    return (
        name,
        photo["file_name"],
        photo["time"].isoformat(timespec="seconds"),
        photo["model_version"],
        _counted(photo),
        "yes" if choice.random_empty else "no",
        "; ".join(choice.reasons),
    )


def _caption(photo: Mapping[Any, Any], choice: SelectedPhoto, by_class: str) -> str:
    name, boxes = one_line(photo["file_name"]), f" ({by_class})" if by_class else ""
    return f"{name}, counted {_counted(photo)}{boxes}. {'; '.join(choice.reasons)}"


def _counted(photo: Mapping[Any, Any]) -> str:
    """The model's count in words; a row of the log's window has NaN for what is not known."""
    minimum = pd.notna(photo["count_low"]) and pd.isna(photo["count_high"])
    return number_in_words(int(photo["count"]), minimum=bool(minimum))
