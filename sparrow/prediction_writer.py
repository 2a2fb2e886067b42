"""Writes the prediction log off the request path: a thread, in batches of 0.2 s."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from sparrow.prediction_log import PredictionLog
from sparrow.prediction_record import PredictionRecord

BATCH_PHOTOS = 500
BATCH_SECONDS = 0.2  # what a SIGKILL may lose
RETRY_SECONDS = 1.0

logger = logging.getLogger("sparrow.prediction_log")


@dataclass(frozen=True)
class _Flush:
    done: threading.Event


class PredictionWriter:
    """Takes records at once and writes them soon, each exactly once, in the order of arrival.

    While the database cannot be reached records wait in memory, and no more than ``capacity`` of
    them: beyond that ``append`` raises, because forgetting predictions in silence is the one thing
    a log must not do.
    """

    def __init__(self, log: PredictionLog, capacity: int = 100_000) -> None:
        self._log = log
        self._queue: queue.Queue[PredictionRecord | _Flush | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def append(self, record: PredictionRecord) -> None:
        """Hand over one record.

        Raises:
            queue.Full: the database has been away for so long that ``capacity`` records wait.
        """
        self._queue.put_nowait(record)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was handed over is in the database; False after ``timeout_s``."""
        mark = _Flush(threading.Event())
        self._queue.put(mark, timeout=timeout_s)
        return mark.done.wait(timeout_s)

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits and stop."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        running = True
        while running:
            batch, flushes, running = self._collect()
            while batch and not self._write(batch):
                time.sleep(RETRY_SECONDS)
            for flush in flushes:
                flush.done.set()

    def _collect(self) -> tuple[list[PredictionRecord], list[_Flush], bool]:
        """A batch: up to ``BATCH_SECONDS`` after its first record; at once when asked to flush."""
        batch: list[PredictionRecord] = []
        item = self._queue.get()
        deadline = time.monotonic() + BATCH_SECONDS
        while isinstance(item, PredictionRecord):
            batch.append(item)
            left = deadline - time.monotonic()
            if left <= 0 or len(batch) >= BATCH_PHOTOS:
                return batch, [], True
            try:
                item = self._queue.get(timeout=left)
            except queue.Empty:
                return batch, [], True
        return batch, [item] if item else [], item is not None

    def _write(self, batch: list[PredictionRecord]) -> bool:
        """False when the database is away; True when all that can be written is written."""
        try:
            self._log.append(batch)
        except (InterfaceError, OperationalError):
            logger.exception("the prediction log is away; %d photos wait", len(batch))
            return False
        except SQLAlchemyError:
            if len(batch) > 1:  # one record that cannot be stored must not hold up the others
                return all(self._write([record]) for record in batch)
            # Also where a broken connection hid that an earlier attempt had been committed.
            logger.exception("prediction %s was refused by the database", batch[0].id)
        return True
