"""Photos kept for review: only by opt-in, a sample of them, capped in number and age."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from sparrow.config import ServiceConfig
from sparrow.prediction_record import PredictionRecord

logger = logging.getLogger("sparrow.service")


class PhotoKeeper:
    """Writes a share of the readable photos as ``<prediction id>.photo``."""

    def __init__(self, limits: ServiceConfig) -> None:
        self._limits = limits
        self._folder = Path(limits.keep_folder)
        self._lock = threading.Lock()

    def offer(self, record: PredictionRecord, content: bytes) -> None:
        """Keep the photo if its turn has come; a full disk must not fail the request."""
        if not self._chosen(record):
            return
        try:
            with self._lock:
                self._folder.mkdir(parents=True, exist_ok=True)
                partial = self._folder / f"{record.id}.partial"
                partial.write_bytes(content)
                partial.replace(self._folder / f"{record.id}.photo")
                self._tidy()
        except OSError:
            logger.exception("photo %s cannot be kept", record.id)

    def _chosen(self, record: PredictionRecord) -> bool:
        # By the id's leading digits: uniform, and the same decision whoever asks.
        return record.error is None and int(record.id[:8], 16) < self._limits.keep_share * 16**8

    def _tidy(self) -> None:
        oldest = time.time() - self._limits.keep_days * 86400
        kept = sorted(self._folder.glob("*.photo"), key=lambda path: path.stat().st_mtime)
        surplus = len(kept) - self._limits.keep_photos
        for position, path in enumerate(kept):
            if position < surplus or path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
