"""The output file of ``sparrow count``: CSV, JSON, MegaDetector's JSON or Parquet.

Text is written photo by photo, Parquet by groups of photos: memory does not grow with a folder.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sparrow.atomic_file import atomic_file
from sparrow.cli.journal_entry import Entry
from sparrow.inference.photo_files import SkippedFile
from sparrow.plain_text import utf8
from sparrow.visits.tables import COLUMNS, rows
from sparrow.visits.visits import Sightings

if TYPE_CHECKING:
    from sparrow.predictions.class_columns import ClassColumns
    from sparrow.predictions.record import LoggedBox, PredictionRecord

FORMATS = (".csv", ".json", ".parquet")
ROW_GROUP = 5000  # photos
# What a column of a Parquet file holds: the same in each row group, also where all is missing.
TEXT = (
    "file", "error", "model_name", "model_version", "time", "sha256", "taken_at", "time_from",
    "camera",
)  # fmt: skip
WHOLE = ("count", "count_low", "count_high", "width_px", "height_px", "visit", "tiles")
REAL = ("milliseconds", "latitude", "longitude")
TRUTH = ("count_is_minimum", "out_of_distribution")


@dataclass(frozen=True)
class OutputPhoto:
    """A counted photo of the output.

    Attributes:
        entry: of the journal.
        columns: what is known beyond its record: time, camera, visit; of all photos the same.
    """

    entry: Entry
    columns: dict[str, Any]


@dataclass(frozen=True)
class OutputForm:
    """How the output file is written, where its name does not say it.

    Attributes:
        megadetector: a ``.json`` is in MegaDetector's batch format.
        threshold: told there, where boxes below it are in the file; else None.
    """

    megadetector: bool = False
    threshold: float | None = None


def write(
    to: Path,
    photos: Iterable[OutputPhoto],
    skipped: Sequence[SkippedFile],
    class_names: Sequence[str],
    form: OutputForm = OutputForm(),
) -> None:
    """Write the output file, whole or not at all.

    Raises:
        OSError: it cannot be written; the file is named.
    """
    from sparrow.inference.count_formats import columns_by_class

    left_out = [{"file": utf8(str(file.path)), "reason": file.reason} for file in skipped]
    by_class = columns_by_class(class_names)
    try:
        with atomic_file(to) as partial:
            if to.suffix.lower() == ".parquet":
                _write_parquet(partial, photos, by_class)
                return
            with partial.open("w", encoding="utf-8", newline="") as file:
                if form.megadetector:
                    _write_megadetector(file, photos, class_names, (left_out, form.threshold))
                elif to.suffix.lower() == ".csv":
                    _write_csv(file, photos, by_class)
                else:
                    _write_json(file, photos, by_class, left_out)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(to)) from error


def write_visits(to: Path, sightings: Sightings, class_names: Sequence[str]) -> None:
    """Write the table of visits, hours, days and cameras, whole or not at all.

    Raises:
        OSError: it cannot be written; the file is named.
    """
    from sparrow.inference.count_formats import csv_line

    try:
        with atomic_file(to) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            file.write(csv_line(COLUMNS))
            for row in rows(sightings.groups, class_names):
                file.write(csv_line(row.values()))
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(to)) from error


def _write_csv(
    file: TextIO, photos: Iterable[OutputPhoto], by_class: Sequence[ClassColumns]
) -> None:
    from sparrow.inference.count_formats import csv_line

    for number, row in enumerate(_row(photo, by_class) for photo in photos):
        if number == 0:
            file.write(csv_line(row))
        file.write(csv_line(row.values()))


def _write_json(
    file: TextIO,
    photos: Iterable[OutputPhoto],
    by_class: Sequence[ClassColumns],
    left_out: Sequence[dict[str, str]],
) -> None:
    items = (_json_photo(photo, by_class) for photo in photos)
    write_list(file, '{\n "photos": [', items, f',\n "skipped": {_inner(left_out)}\n}}\n')


def _write_megadetector(
    file: TextIO,
    photos: Iterable[OutputPhoto],
    class_names: Sequence[str],
    info: tuple[Sequence[dict[str, str]], float | None],
) -> None:
    """``info``: what is told of skipped files, and of the threshold."""
    from sparrow.inference import count_formats as formats

    entries = (photo.entry for photo in photos)
    first = next(entries)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    content = formats.megadetector([record_of(first)], class_names, now, *info)
    begin, _, _ = json.dumps(content, indent=1).rpartition('"images": [')
    images = (
        formats.megadetector_image(record_of(entry), class_names, faint_of(entry))
        for entry in chain([first], entries)
    )
    write_list(file, begin + '"images": [', images, "\n}\n")


def write_list(file: TextIO, begin: str, items: Iterable[dict[str, Any]], end: str) -> None:
    """JSON as ``json.dumps`` writes it with an indent of 1, with one list that is not in memory."""
    file.write(begin)
    for number, item in enumerate(items):
        text = textwrap.indent(json.dumps(item, indent=1), "  ")
        file.write(f"{',' if number else ''}\n{text}")
    file.write("\n ]" + end)


def _inner(value: object) -> str:
    return textwrap.indent(json.dumps(value, indent=1), " ").lstrip()


def _write_parquet(
    path: Path, photos: Iterable[OutputPhoto], by_class: Sequence[ClassColumns]
) -> None:
    """Photos as row groups: memory holds one of them."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    whole = [*WHOLE, *(name for columns in by_class for name in columns.names)]
    nullable = {**dict.fromkeys(whole, "Int64"), **dict.fromkeys(TRUTH, "boolean")}
    types = {**dict.fromkeys(whole, pa.int64()), **dict.fromkeys(TRUTH, pa.bool_())}
    types |= {**dict.fromkeys(TEXT, pa.string()), **dict.fromkeys(REAL, pa.float64())}
    rows, writer = (_row(photo, by_class) for photo in photos), None
    try:
        while group := list(islice(rows, ROW_GROUP)):
            schema = pa.schema([(name, types[name]) for name in group[0]])
            own = {name: kind for name, kind in nullable.items() if name in group[0]}
            table = pa.Table.from_pandas(pd.DataFrame(group).astype(own), schema)
            writer = writer or ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _row(photo: OutputPhoto, by_class: Sequence[ClassColumns]) -> dict[str, Any]:
    from sparrow.inference.count_formats import row

    return {**row(record_of(photo.entry), by_class), **photo.columns}


def _json_photo(photo: OutputPhoto, by_class: Sequence[ClassColumns]) -> dict[str, Any]:
    boxes = [asdict(box) for box in record_of(photo.entry).boxes]
    return {**_row(photo, by_class), "boxes": boxes, "message": photo.entry["message"]}


def record_of(entry: Entry) -> PredictionRecord:
    """What was counted, as the prediction log has it."""
    from sparrow.predictions.record import PredictionRecord

    return PredictionRecord.from_json(entry["record"])


def faint_of(entry: Entry) -> tuple[LoggedBox, ...]:
    """Boxes below the operating threshold, where they were asked for."""
    from sparrow.predictions.record import LoggedBox

    return tuple(LoggedBox(**box) for box in entry.get("faint", ()))
