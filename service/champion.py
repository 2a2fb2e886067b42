"""The model that serves, and its replacement by a newly published one without a failed request."""

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
LONGEST_WAIT_S = 60.0  # between two attempts to load a published model that could not be loaded

# A model's folder, and of its model.json: inode, size, times of change. None where it has none.
FolderState = tuple[Path, tuple[int, int, int, int] | None]

logger = logging.getLogger("sparrow.service")


@dataclass
class FailedLoad:
    """A published model that could not be loaded, or could not count.

    Attributes:
        state: of its folder at the last attempt.
        reason: the last error; logged once for each.
        wait_s: until the next attempt; doubled by each.
        retry_at: time of the next attempt, by the clock.
    """

    state: FolderState
    reason: str
    wait_s: float
    retry_at: float


class Champion:
    """Holds the current ``PhotoCounter``; a watched folder is checked every second.

    A newly published model is loaded beside the current one and has to count trial photos before it
    replaces it. Photos that are being counted finish with the model that they began with. Where the
    new model cannot be loaded, or cannot count, the current one goes on; since the folder may still
    be being copied, loading is tried again after 1 second, 2, 4 and so on up to a minute.
    """

    def __init__(
        self, folder: Path, *, follows_link: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Load the folder.

        Args:
            folder: a model folder, or a link to one.
            follows_link: whether to check every second for another model.
            clock: monotonic seconds.

        Raises:
            ModelFolderError: the folder is not a complete, unchanged model.
            CannotCountError: the model fails on the trial photos.
        """
        self._folder = folder
        self._clock = clock
        self._state = _folder_state(folder)
        self._counter = PhotoCounter(folder)
        self._counter.try_out()
        self._failed: FailedLoad | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="champion", daemon=True)
        if follows_link:
            self._thread.start()

    @property
    def counter(self) -> PhotoCounter:
        """The model to count the next photo with."""
        return self._counter

    @property
    def refused(self) -> str | None:
        """Why the published model is not the one that serves; None where it is."""
        failed = self._failed
        return failed.reason if failed else None

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_SECONDS):
            try:
                self.update()
            except Exception:  # watching goes on after any error
                logger.exception("the published model cannot be checked")

    def update(self) -> None:
        """Load the published model if it is not the one that serves."""
        with self._lock:
            state = _folder_state(self._folder)
            failed = self._failed
            # The first: a model that could not be loaded was withdrawn.
            if state == self._state or self._is_current(state):
                self._accept(state)
            elif failed is None or failed.state != state or self._clock() >= failed.retry_at:
                self._load(state)

    def _is_current(self, state: FolderState) -> bool:
        """Whether a folder holds the model that serves, written again or touched."""
        target, info = state
        if target != self._counter.folder or info is None:
            return False
        try:
            return sha256_of(target / INFO) == self._counter.info_sha256
        except OSError:
            return False

    def _load(self, state: FolderState) -> None:
        try:
            counter = PhotoCounter(state[0])
            counter.try_out()
        except Exception as error:  # of any kind: the service goes on with the current model
            self._refuse(state, error)
            return
        self._counter = counter
        self._accept(state)
        logger.info("now serving %s version %s", counter.info.name, counter.version)

    def _accept(self, state: FolderState) -> None:
        if self._failed is not None:
            metrics.champion_refused.set(0)
        self._state, self._failed = state, None

    def _refuse(self, state: FolderState, error: Exception) -> None:
        before = self._failed
        reason = f"{type(error).__name__}: {error}"
        same = before is not None and before.state == state
        wait_s = min(before.wait_s * 2, LONGEST_WAIT_S) if before and same else WATCH_SECONDS
        self._failed = FailedLoad(state, reason, wait_s, self._clock() + wait_s)
        metrics.champion_refused.set(1)
        if before is None or (before.state[0], before.reason) != (state[0], reason):
            logger.error(
                "ALARM: the published model %s cannot serve; version %s goes on. Promote another "
                "version, or `sparrow rollback`; it is tried again meanwhile",
                state[0],
                self._counter.version,
                exc_info=error,
            )


def _folder_state(folder: Path) -> FolderState:
    target = folder
    try:
        target = folder.resolve()
        info = (target / INFO).stat()
    except (OSError, RuntimeError):  # the latter for a link to itself, until Python 3.12
        return target, None
    return target, (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
