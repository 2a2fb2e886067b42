"""Room for the files that the page makes itself: copies to show, and downloads."""

from __future__ import annotations

import os
import secrets
import threading
import time
from pathlib import Path

MEASURE_SECONDS = 5.0


class PageRoom:
    """The folder of the visitors' files, and how much of it is left.

    Uploads have their own account (``service.page_files``); both keep to the same limit.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._lock = threading.Lock()
        self._used_bytes, self._measured = 0, float("-inf")

    def take(self, n_bytes: int) -> Path:
        """Reserve room for files of this size; returns a new folder for them.

        Raises:
            ValueError: there is not as much.
            OSError: the disk is full.
        """
        with self._lock:
            if time.monotonic() - self._measured > MEASURE_SECONDS:
                self._used_bytes = _size(self._folder)
                self._measured = time.monotonic()
            if self._used_bytes + n_bytes > self._max_bytes:
                raise ValueError(
                    "The page holds as many photos as it has room for. Please try again later, or "
                    "with fewer photos."
                )
            self._used_bytes += n_bytes
        place = self._folder / secrets.token_urlsafe(24)
        place.mkdir(parents=True)
        return place


def _size(folder: Path) -> int:
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:  # removed after its hour
                continue
    return size
