"""Keeps photos for review, limited in number, size and age: a sample, and those of consent."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.config import ServiceConfig
from sparrow.predictions.corrections import SUFFIX, CorrectedBox, write_correction
from sparrow.predictions.record import PredictionRecord

TIDY_SECONDS = 600.0  # between two removals of old photos
PARTIAL_SECONDS = 600.0  # an unfinished file older than this is a killed process's
# The folder may hold other files, too; only those written here are removed, unfinished ones by the
# names of ``atomic_file`` and of earlier releases.
_OURS = re.compile(
    rf"[0-9a-f]{{32}}(\.partial|(\.photo|{re.escape(SUFFIX)})(\.[0-9a-f]{{8}}\.partial)?)"
)
PHOTO = ".photo"

logger = logging.getLogger("sparrow.service")


@dataclass(frozen=True, order=True)
class _Kept:
    written: float
    size: int
    path: Path


class PhotoRetention:
    """Writes a fraction of the readable photos, and those of consent, as ``<prediction id>.photo``.

    Beside it may be the boxes that a person corrected (``sparrow.predictions.corrections``), which
    go with the photo. The limits of age, number and size are applied at the start, with every photo
    that is kept, and every ten minutes, also while ``service.keep_fraction`` is 0.
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
            self._write(record, content)
        except OSError as error:
            logger.error("photo %s cannot be kept in %s: %s", record.id, self._folder, error)
        self.tidy()

    def store(
        self, record: PredictionRecord, content: bytes, boxes: Sequence[CorrectedBox] | None
    ) -> None:
        """Keep a photo because a person agreed; ``boxes``: as that person left them.

        Raises:
            OSError: it cannot be written.
        """
        try:
            self._write(record, content)
            if boxes is not None:
                write_correction(self._folder, record.id, boxes)
        finally:
            self.tidy()

    def _write(self, record: PredictionRecord, content: bytes) -> None:
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomic(self._folder / f"{record.id}{PHOTO}", content)

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
        kept: list[_Kept] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if not _OURS.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
                status, path = entry.stat(follow_symlinks=False), Path(entry.path)
                written = status.st_mtime
                if written > now + PARTIAL_SECONDS:  # the clock was ahead; its age starts now
                    os.utime(path, (now, now))
                    written = now
                if path.suffix == PHOTO:
                    kept.append(_Kept(written, status.st_size, path))
                elif written < now - PARTIAL_SECONDS and not _has_photo(path):
                    _remove(path)
        self._remove_surplus(sorted(kept, reverse=True), oldest)

    def _remove_surplus(self, newest_first: list[_Kept], oldest: float) -> None:
        """Remove photos beyond the limits, the oldest first, each with its boxes."""
        left = self._limits.keep_mb * 1e6
        for position, photo in enumerate(newest_first):
            left -= photo.size
            if position >= self._limits.keep_photos or photo.written < oldest or left < 0:
                _remove(photo.path)
                _remove(photo.path.with_suffix(SUFFIX))


def _has_photo(path: Path) -> bool:
    return path.name.endswith(SUFFIX) and path.with_name(path.name[:32] + PHOTO).exists()


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.error("%s cannot be removed: %s", path, error)
