"""What becomes of records that neither the prediction log nor any disk takes."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict

from sparrow.predictions.record import PredictionRecord
from sparrow.predictions.spill import PredictionSpill

logger = logging.getLogger("sparrow.predictions.log")


def spill_or_print(spill: PredictionSpill, records: Sequence[PredictionRecord]) -> None:
    """Write records to the disk at the end; where it refuses, to the service's own output."""
    try:
        spill.write(records)
    except OSError as error:
        logger.critical(
            "%d photos can be written nowhere (%s); each follows as a line", len(records), error
        )
        for record in records:
            logger.critical("photo not in the prediction log: %s", _as_json(record))


def close_spill(spill: PredictionSpill) -> None:
    """Close a spill, and log how many records stay in it."""
    if spill.waiting:
        logger.error(
            "%d photos could not be written to the prediction log; they are in %s and are read "
            "in at the next start",
            spill.waiting,
            spill.path,
        )
    spill.close()


def keep_refused(spill: PredictionSpill, record: PredictionRecord, why: str) -> None:
    """Keep a record that the database refuses, and log where; at worst the line itself holds it."""
    try:
        place = str(spill.keep_refused(record, why))
    except OSError:
        place = _as_json(record)
    logger.error("prediction %s was refused by the database (%s): %s", record.id, why, place)


def _as_json(record: PredictionRecord) -> str:
    return json.dumps(asdict(record), default=str)
