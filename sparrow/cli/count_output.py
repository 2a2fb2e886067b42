"""The output file of ``sparrow count``: CSV, JSON, MegaDetector's JSON or Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.atomic_file import write_atomic
from sparrow.cli.count_journal import Entry
from sparrow.inference.photo_files import SkippedFile
from sparrow.plain_text import utf8

if TYPE_CHECKING:
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
        _write(to, entries, skipped, class_names if megadetector else None)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(to)) from error


def _write(
    to: Path,
    entries: Sequence[Entry],
    skipped: Sequence[SkippedFile],
    megadetector: Sequence[str] | None,
) -> None:
    """``megadetector``: the class names, where its format is asked for."""
    from sparrow.inference import count_formats as formats

    records = [_record(entry) for entry in entries]
    left_out = [{"file": utf8(str(file.path)), "reason": file.reason} for file in skipped]
    kind = to.suffix.lower()
    if megadetector is not None:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        text = json.dumps(formats.megadetector(records, megadetector, now, left_out), indent=1)
        write_atomic(to, text + "\n")
    elif kind == ".csv":
        write_atomic(to, formats.csv_text([formats.row(record) for record in records]))
    elif kind == ".json":
        photos = [
            {**formats.row(r), "boxes": [asdict(box) for box in r.boxes], "message": e["message"]}
            for r, e in zip(records, entries, strict=True)
        ]
        write_atomic(to, json.dumps({"photos": photos, "skipped": left_out}, indent=1) + "\n")
    else:
        import pandas as pd

        table = pd.DataFrame([formats.row(record) for record in records])
        write_atomic(to, table.to_parquet(index=False))


def _record(entry: Entry) -> PredictionRecord:
    from sparrow.predictions.record import PredictionRecord

    return PredictionRecord.from_json(entry["record"])
