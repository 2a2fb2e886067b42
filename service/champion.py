"""The model that is being served, and the change to a new one without a failed request."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service import metrics
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import INFO
from sparrow.regular_file import sha256_of

WATCH_SECONDS = 1.0
LONGEST_WAIT_S = 60.0  # between two attempts to load a newcomer that could not be loaded

# Where a model lies, and of its model.json: inode, size, time of change. None where it has none.
Mark = tuple[Path, tuple[int, int, int, int] | None]

logger = logging.getLogger("sparrow.service")


@dataclass
class Refused:
    """A newcomer that did not get in.

    Attributes:
        mark: of the folder as it was.
        reason: the last failure in words; one line in the log for each.
        wait_s: until the next attempt, doubled by each.
        again_at: when that is due, by the clock.
    """

    mark: Mark
    reason: str
    wait_s: float
    again_at: float


class Champion:
    """Holds the current ``PhotoCounter``; a watched folder is looked at every second.

    A new champion is loaded aside, whole, counts photos on trial, and only then takes the old one's
    place. Photos that are being counted finish with the model they began with. A newcomer that
    cannot be loaded, or cannot count, leaves the old one where it is; since its folder may still be
    being copied, it is tried again, after 1 second, 2, 4 and so on up to a minute.
    """

    def __init__(
        self, folder: Path, *, watched: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Load the folder.

        Args:
            folder: a model folder, or a link to one.
            watched: whether to look every second what it holds now.
            clock: seconds that never go back.

        Raises:
            ModelFolderError: the folder is not a whole, untouched model.
            CannotCountError: it is loaded, but fails on photos.
        """
        self._folder = folder
        self._clock = clock
        self._mark = _mark(folder)
        self._counter = PhotoCounter(folder)
        self._counter.try_out()
        self._refused: Refused | None = None
        self._looking = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="champion", daemon=True)
        if watched:
            self._thread.start()

    @property
    def counter(self) -> PhotoCounter:
        """The model to count the next photo with."""
        return self._counter

    @property
    def refused(self) -> str | None:
        """Why the published model is not the one that serves; None where it is."""
        refused = self._refused
        return refused.reason if refused else None

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_SECONDS):
            try:
                self.look()
            except Exception:  # watching goes on, whatever one look meets
                logger.exception("the published model cannot be looked at")

    def look(self) -> None:
        """Take up what the folder holds now, if that is another model."""
        with self._looking:
            mark = _mark(self._folder)
            refused = self._refused
            if mark == self._mark:
                self._accept(mark)  # a newcomer that was refused has been taken back
            elif self._is_current(mark):
                self._accept(mark)
            elif refused is None or refused.mark != mark or self._clock() >= refused.again_at:
                self._take_up(mark)

    def _is_current(self, mark: Mark) -> bool:
        """Whether a folder holds the very model that serves, written anew or touched."""
        target, state = mark
        if target != self._counter.folder or state is None:
            return False
        try:
            return sha256_of(target / INFO) == self._counter.info_sha256
        except OSError:
            return False

    def _take_up(self, mark: Mark) -> None:
        try:
            fresh = PhotoCounter(mark[0])
            fresh.try_out()
        except Exception as error:  # whatever is wrong with the newcomer, the service goes on
            self._refuse(mark, error)
            return
        self._counter = fresh
        self._accept(mark)
        logger.info("now serving %s version %s", fresh.info.name, fresh.version)

    def _accept(self, mark: Mark) -> None:
        self._mark, self._refused = mark, None
        metrics.champion_refused.set(0)

    def _refuse(self, mark: Mark, error: Exception) -> None:
        before = self._refused
        reason = f"{type(error).__name__}: {error}"
        same = before is not None and before.mark == mark
        wait_s = min(before.wait_s * 2, LONGEST_WAIT_S) if before and same else WATCH_SECONDS
        self._refused = Refused(mark, reason, wait_s, self._clock() + wait_s)
        metrics.champion_refused.set(1)
        if before is None or (before.mark[0], before.reason) != (mark[0], reason):
            logger.error(
                "ALARM: the published model %s cannot serve; version %s goes on. Promote another "
                "version, or `sparrow rollback`; it is tried again meanwhile",
                mark[0],
                self._counter.version,
                exc_info=error,
            )


def _mark(folder: Path) -> Mark:
    target = folder
    try:
        target = folder.resolve()
        found = (target / INFO).stat()
    except (OSError, RuntimeError):  # the latter for a link to itself, until Python 3.12
        return target, None
    return target, (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
