"""Keeps a sample of the photos for review: opt-in, limited in number and age."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.config import ServiceConfig
from sparrow.predictions.record import PredictionRecord

TIDY_SECONDS = 600.0  # between two removals of old photos
PARTIAL_SECONDS = 600.0  # an unfinished file older than this is a killed process's
# The folder may hold other files, too; only those written here are removed, unfinished ones by the
# names of ``atomic_file`` and of earlier releases.
_OURS = re.compile(r"[0-9a-f]{32}\.(photo(\.[0-9a-f]{8}\.partial)?|partial)")

logger = logging.getLogger("sparrow.service")


class PhotoRetention:
    """Writes a fraction of the readable photos as ``<prediction id>.photo``.

    The limits of age and number are applied at the start, with every photo that is kept, and every
    ten minutes, also while ``service.keep_fraction`` is 0.
    """

    def __init__(self, limits: ServiceConfig) -> None:
        """Remove old photos, and start the thread that does so every ten minutes."""
        self._limits = limits
        self._folder = Path(limits.keep_folder)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kept-photos", daemon=True)
        self.tidy()
        self._thread.start()

    def maybe_store(self, record: PredictionRecord, content: bytes) -> None:
        """Keep the photo if it is in the sample; a full disk does not fail the request."""
        if not self._is_sampled(record):
            return
        try:
            with self._lock:
                self._folder.mkdir(parents=True, exist_ok=True)
                write_atomic(self._folder / f"{record.id}.photo", content)
        except OSError as error:
            logger.error("photo %s cannot be kept in %s: %s", record.id, self._folder, error)
        self.tidy()

    def tidy(self) -> None:
        """Remove photos that are too old or too many, and unfinished files of killed processes."""
        try:
            with self._lock:
                self._tidy(time.time())
        except OSError as error:
            logger.error("kept photos in %s cannot be tidied up: %s", self._folder, error)

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(TIDY_SECONDS):
            self.tidy()

    def _is_sampled(self, record: PredictionRecord) -> bool:
        # By the id's leading digits: uniform, and the same decision in every process.
        return record.error is None and int(record.id[:8], 16) < self._limits.keep_fraction * 16**8

    def _tidy(self, now: float) -> None:
        if not self._folder.is_dir():
            return
        oldest = now - self._limits.keep_days * 86400
        kept: list[tuple[float, Path]] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if not _OURS.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
                written, path = entry.stat(follow_symlinks=False).st_mtime, Path(entry.path)
                if written > now + PARTIAL_SECONDS:  # the clock was ahead; its age starts now
                    os.utime(path, (now, now))
                    written = now
                if path.suffix == ".photo":
                    kept.append((written, path))
                elif written < now - PARTIAL_SECONDS:
                    _remove(path)
        kept.sort()
        surplus = len(kept) - self._limits.keep_photos
        for position, (written, path) in enumerate(kept):
            if position < surplus or written < oldest:
                _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.error("%s cannot be removed: %s", path, error)
