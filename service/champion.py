"""The model that is being served, and the change to a new one without a failed request."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from sparrow.counter import Counter

WATCH_SECONDS = 1.0

logger = logging.getLogger("sparrow.service")


class Champion:
    """Holds the current ``Counter``; a watched folder is looked at every second.

    A new champion is loaded aside, whole, and only then takes the old one's place. Photos that are
    being counted finish with the model they began with. A champion that cannot be loaded leaves
    the old one where it is.
    """

    def __init__(self, folder: Path, *, watched: bool) -> None:
        self._folder = folder
        self._counter = Counter(folder)
        self._stop = threading.Event()
        self._refused: Path | None = None
        self._thread = threading.Thread(target=self._watch, name="champion", daemon=True)
        if watched:
            self._thread.start()

    @property
    def counter(self) -> Counter:
        """The model to count the next photo with."""
        return self._counter

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_SECONDS):
            self.look()

    def look(self) -> None:
        """Take up what the folder holds now, if that is another model."""
        target = self._folder.resolve()
        if target in (self._counter.folder, self._refused):
            return
        try:
            fresh = Counter(target)
        except Exception:  # whatever is wrong with the newcomer, the service goes on
            self._refused = target
            logger.exception("the new champion %s cannot be loaded; the old one stays", target)
            return
        self._refused = None
        self._counter = fresh
        logger.info("now serving %s version %s", fresh.info.name, fresh.version)
