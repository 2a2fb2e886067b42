"""The output file of ``sparrow count``: CSV, JSON, MegaDetector's JSON or Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.atomic_file import write_atomic
from sparrow.cli.count_journal import Entry
from sparrow.inference.photo_files import SkippedFile
from sparrow.plain_text import utf8

if TYPE_CHECKING:
    from sparrow.predictions.class_columns import ClassColumns
    from sparrow.predictions.record import PredictionRecord

FORMATS = (".csv", ".json", ".parquet")


def write(
    to: Path,
    entries: Sequence[Entry],
    skipped: Sequence[SkippedFile],
    class_names: Sequence[str],
    *,
    megadetector: bool,
) -> None:
    """Write the output file, whole or not at all.

    Raises:
        OSError: it cannot be written; the file is named.
    """
    try:
        _write(to, entries, skipped, class_names, megadetector=megadetector)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(to)) from error


def _write(
    to: Path,
    entries: Sequence[Entry],
    skipped: Sequence[SkippedFile],
    class_names: Sequence[str],
    *,
    megadetector: bool,
) -> None:
    from sparrow.inference import count_formats as formats

    records = [_record(entry) for entry in entries]
    left_out = [{"file": utf8(str(file.path)), "reason": file.reason} for file in skipped]
    by_class, kind = formats.columns_by_class(class_names), to.suffix.lower()
    rows = [formats.row(record, by_class) for record in records]
    if megadetector:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        text = json.dumps(formats.megadetector(records, class_names, now, left_out), indent=1)
        write_atomic(to, text + "\n")
    elif kind == ".csv":
        write_atomic(to, formats.csv_text(rows, by_class))
    elif kind == ".json":
        photos = [
            {**row, "boxes": [asdict(box) for box in r.boxes], "message": e["message"]}
            for row, r, e in zip(rows, records, entries, strict=True)
        ]
        write_atomic(to, json.dumps({"photos": photos, "skipped": left_out}, indent=1) + "\n")
    else:
        write_atomic(to, _parquet(rows, by_class))


def _parquet(rows: Sequence[dict[str, Any]], by_class: Sequence[ClassColumns]) -> bytes:
    import pandas as pd

    table = pd.DataFrame(rows)
    for columns in by_class:  # whole numbers, with gaps where a photo or an interval has none
        table = table.astype(dict.fromkeys(columns.names, "Int64"))
    content: bytes = table.to_parquet(index=False)
    return content


def _record(entry: Entry) -> PredictionRecord:
    from sparrow.predictions.record import PredictionRecord

    return PredictionRecord.from_json(entry["record"])
