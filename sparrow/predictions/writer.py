"""Writes the prediction log off the request path: a thread, in batches of 0.2 s.

What was handed over is never given up. What the log cannot take goes at once to a file beside it
(``sparrow.predictions.spill``), and from there into the log when that is back, now or after the
next start. So a SIGKILL loses what arrived in the last 0.2 s and, while an attempt at a log that is
locked or gone is under way, what arrived during that attempt (``lock_wait_s`` of the log).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from sparrow.database_errors import is_away, reason
from sparrow.predictions.log import LogAwayError, PredictionLog
from sparrow.predictions.log_state import LogState, StateKeeper
from sparrow.predictions.record import PredictionRecord
from sparrow.predictions.spill import PredictionSpill
from sparrow.predictions.unwritable import close_spill, keep_refused, spill_or_print

BATCH_PHOTOS = 500
BATCH_SECONDS = 0.2
RETRY_SECONDS = 1.0  # between attempts at a log that is away
CHECK_SECONDS = 2.0  # between checks of a log that nothing is written to
CLOSE_SECONDS = 10.0
HANG_SECONDS = 3.0  # a server that takes a batch and does not answer for so long is away

logger = logging.getLogger("sparrow.predictions.log")


class PredictionWriter:
    """Takes records at once and writes them soon, each exactly once."""

    def __init__(
        self,
        log: PredictionLog,
        capacity: int = 10_000,
        spill_folder: Path | None = None,
        on_change: Callable[[LogState], None] | None = None,
    ) -> None:
        """Start the thread; it first reads in what an earlier process could not write.

        Args:
            log: to write to.
            capacity: so many records wait in memory at most, more than a log in use ever sees.
            spill_folder: see ``PredictionSpill``.
            on_change: called by the thread with every new state.
        """
        self._log = log
        self._capacity = capacity
        self._spill = PredictionSpill(log.url, spill_folder)
        self._waiting: deque[PredictionRecord] = deque()
        self._in_flight: list[PredictionRecord] = []
        self._handed = 0
        self._hurry = self._stopping = False
        self._changed = threading.Condition()
        self._states = StateKeeper(self._changed, self._measure, on_change)
        self._retry_at = 0.0
        self._busy_since = float("inf")
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    @property
    def state(self) -> LogState:
        """The newest state of the log."""
        return self._states.state

    @property
    def hangs(self) -> bool:
        """Whether the log has been given something and does not answer."""
        return time.monotonic() - self._busy_since > HANG_SECONDS

    def append(self, record: PredictionRecord) -> None:
        """Hand over one record; once this returns, only a SIGKILL can lose it.

        Raises:
            LogAwayError: neither log nor disk takes anything, and memory is full. The record was
                not accepted.
        """
        with self._changed:
            if self._stopping:
                raise LogAwayError("the service is stopping")
            if len(self._waiting) >= self._capacity:
                self._make_room()
            self._waiting.append(record)
            self._handed += 1
            self._changed.notify_all()
            if self.hangs:
                self._note_away(TimeoutError(f"no answer for {HANG_SECONDS:g} s"))
                with suppress(LogAwayError):  # else it waits in memory
                    self._make_room()

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was handed over is in the log.

        Returns:
            False where some of it is not, at once when the log is known to be away.
        """
        with self._changed:
            mark, self._hurry = self._handed, True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._done >= mark and (self.state.away or not self._spill.waiting),
                timeout_s,
            )
            return self._done >= mark and not self._spill.waiting

    @property
    def _done(self) -> int:
        """Of the records handed over, how many are in the log or on the disk."""
        return self._handed - len(self._waiting) - len(self._in_flight)

    def close(self, timeout_s: float = CLOSE_SECONDS) -> None:
        """Write what waits, and stop; what the log does not take within the time is spilled."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        with self._changed:  # the thread may hang in the database
            left = [*self._in_flight, *self._waiting]
            self._waiting.clear()
            if left:
                spill_or_print(self._spill, left)
        close_spill(self._spill)

    def _run(self) -> None:
        while True:
            batch, stopping = self._collect()
            try:
                self._handle(batch)
            except Exception:  # whatever it was, no photo may be lost over it, nor any later one
                logger.exception("the prediction log's writer failed; it goes on")
                self._spill_or_hold(self._in_flight)
            self._finish()
            if stopping:
                return

    def _handle(self, batch: list[PredictionRecord]) -> None:
        due = self._stopping or time.monotonic() >= self._retry_at
        if batch and not (due and self._write(batch)):
            self._spill_or_hold(batch)
        self._in_flight = []
        if self._stopping or time.monotonic() < self._retry_at:
            return
        if self._spill.waiting:
            self._replay()
        elif not batch:
            self._check_connection()

    def _collect(self) -> tuple[list[PredictionRecord], bool]:
        """A batch: up to ``BATCH_SECONDS`` after its first record; at once for a flush."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._hurry or self._stopping, CHECK_SECONDS
            )
            self._changed.wait_for(
                lambda: len(self._waiting) >= BATCH_PHOTOS or self._hurry or self._stopping,
                BATCH_SECONDS if self._waiting else 0,
            )
            size = len(self._waiting) if self._stopping else min(BATCH_PHOTOS, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(size)]
            self._hurry = self._hurry and bool(self._waiting)
            self._in_flight, self._busy_since = batch, time.monotonic()
            return batch, self._stopping

    def _write(self, batch: Sequence[PredictionRecord]) -> bool:
        """Write a batch; False when the log is away, True when all that it can take is written."""
        try:
            try:
                self._log.append(batch)
            except IntegrityError:
                # A broken connection may have hidden that an earlier attempt was committed.
                self._log.append_missing(batch)
        except Exception as error:
            if is_away(error):
                self._note_away(error)
                return False
            if len(batch) > 1:  # one record that cannot be stored must not hold up the others
                return all(self._write([record]) for record in batch)
            keep_refused(self._spill, batch[0], reason(error))
        self._states.note_back()
        return True

    def _check_connection(self) -> None:
        try:
            self._log.check_connection()
        except Exception as error:
            self._note_away(error)
        else:
            self._states.note_back()

    def _replay(self) -> None:
        def store(records: list[PredictionRecord]) -> None:
            if not self._write(records):
                raise LogAwayError("away again")

        try:
            self._spill.replay(store)
        except LogAwayError:
            return  # logged already; the next attempt begins with the same file
        except OSError as error:
            self._note_away(error)
            return
        self._states.note_back()

    def _spill_or_hold(self, batch: list[PredictionRecord]) -> None:
        try:
            self._spill.write(batch)
        except OSError as error:
            logger.error("%s takes no photos either: %s", self._spill.path, error)
            with self._changed:
                self._waiting.extendleft(reversed(batch))
                self._in_flight = []
                self._changed.wait_for(lambda: self._stopping, RETRY_SECONDS)

    def _make_room(self) -> None:
        """Move what waits in memory to the disk; the thread is busy with a log that hangs."""
        try:
            self._spill.write(list(self._waiting))
        except OSError as error:
            raise LogAwayError(
                f"the prediction log takes nothing, nor does the disk ({error.strerror}), and "
                f"{len(self._waiting)} photos wait in memory"
            ) from error
        self._waiting.clear()

    def _note_away(self, error: Exception) -> None:
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self._states.note_away(error, self._spill.path)

    def _measure(self) -> tuple[int, int]:
        """Records that wait, and how often the log's file was replaced."""
        waiting = len(self._waiting) + len(self._in_flight) + self._spill.waiting
        return waiting, self._log.replaced

    def _finish(self) -> None:
        with self._changed:
            self._in_flight, self._busy_since = [], float("inf")
            self._changed.notify_all()
        self._states.update()
