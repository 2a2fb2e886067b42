"""Counts the photos of API and page, and logs each of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from service import metrics
from service.champion import Champion
from service.photo_retention import PhotoRetention
from service.settings import Settings, require_model, started_in
from service.uploads import Upload
from service.worker_pool import Answer, PictureFormat, WorkerPool
from sparrow.database import sqlite_path
from sparrow.database_errors import ServerAwayError, StoreError, reason
from sparrow.inference.counter import PhotoCounter
from sparrow.predictions.corrections import CorrectedBox
from sparrow.predictions.log import LogAwayError, PredictionLog, UnknownPredictionError
from sparrow.predictions.log_state import LogState
from sparrow.predictions.record import PredictionRecord
from sparrow.predictions.spill import SERVER_FOLDER
from sparrow.predictions.writer import PredictionWriter

LOCK_WAIT_S = 0.5  # while another process locks the log; then photos wait on the disk
REPLACED_SECONDS = 60.0  # the service is not ready for so long after the log's file is replaced

logger = logging.getLogger("sparrow.service")


def _open_log(url: str) -> PredictionLog:
    """Open the log; a service that cannot log does not start."""
    try:
        return PredictionLog(url, lock_wait_s=LOCK_WAIT_S)
    except (SQLAlchemyError, ServerAwayError, OSError) as error:
        where = make_url(url).render_as_string(hide_password=True)
        raise StoreError(
            f"the prediction log {where} cannot be opened: {reason(error)}. The service starts "
            "when it can be reached and written; its place is stores.prediction_log of the config"
        ) from None


class InferenceService:
    """The model that serves, the workers that count with it, and the prediction log.

    Attributes:
        settings: this process's.
        log: of predictions.
    """

    def __init__(self, settings: Settings) -> None:
        require_model(settings)
        self.settings = settings
        self._champion = Champion(settings.model, follows_link=settings.follows_link)
        self.log = _open_log(settings.prediction_log)
        self._replaced_at = float("-inf")
        self._log_state = LogState()
        folder = settings.limits.spill_folder
        if folder is None and sqlite_path(settings.prediction_log) is None:
            folder = str(SERVER_FOLDER)
        self._writer = PredictionWriter(
            self.log,
            # The working folder may be a Bento's own, which is deleted with the Bento.
            spill_folder=None if folder is None else started_in() / folder,
            on_change=self._note_log_state,
        )
        self._retention = PhotoRetention(settings.limits)
        # No adaptive batching: photos differ in size, and the network takes one at a time.
        self._workers = WorkerPool(settings.limits, self.counter)

    @property
    def counter(self) -> PhotoCounter:
        """The model that counts the next photo."""
        return self._champion.counter

    def close(self) -> None:
        """Count the accepted photos, log them, and stop all threads."""
        self._champion.close()
        self._workers.close()
        self._writer.close()
        self._retention.close()
        self.log.close()

    @property
    def log_is_healthy(self) -> bool:
        """Whether the log can be written, and its file was not replaced in the last minute."""
        recent = time.monotonic() - self._replaced_at < REPLACED_SECONDS
        return not self._log_state.away and not self._writer.hangs and not recent

    def _note_log_state(self, state: LogState) -> None:
        if state.replaced > self._log_state.replaced:
            self._replaced_at = time.monotonic()
            metrics.log_replaced.inc(state.replaced - self._log_state.replaced)
        self._log_state = state
        metrics.log_away.set(state.away)
        metrics.log_waiting.set(state.waiting)

    async def count(
        self,
        uploads: Sequence[Upload],
        source: str,
        counter: PhotoCounter,
        picture: PictureFormat | None = None,
    ) -> list[Answer]:
        """Count photos, as the settings say, of one request no more at a time than workers.

        Args:
            uploads: the photos.
            source: api or page.
            counter: the model, one for the whole request.
            picture: format of the pictures with boxes that are returned, too.

        Raises:
            LogAwayError: neither the log nor the disk can be written.
        """
        metrics.photos_per_request.observe(len(uploads))
        workers = asyncio.Semaphore(self._workers.count)

        async def count_one(upload: Upload) -> Answer:
            tiled = replace(upload, tiles=self.settings.tiles)
            async with workers:
                return await asyncio.wrap_future(self.submit(tiled, source, counter, picture))

        return list(await asyncio.gather(*(count_one(upload) for upload in uploads)))

    def submit(
        self,
        upload: Upload,
        source: str,
        counter: PhotoCounter,
        picture: PictureFormat | None = None,
    ) -> Future[Answer]:
        """Count one photo; see ``count``. Its record is queued before its future is done.

        Where the future is cancelled, a photo that is being counted is logged like any other, and
        one that still waits is not counted.
        """
        metrics.waiting.inc()
        answer: Future[Answer] = Future()

        def finish(counted: Future[Answer]) -> None:
            metrics.waiting.dec()
            try:
                self._record(result := counted.result(), upload, source)
            except (Exception, CancelledError) as error:  # the caller gets every error
                if answer.set_running_or_notify_cancel():
                    answer.set_exception(error)
            else:
                if answer.set_running_or_notify_cancel():
                    answer.set_result(result)

        counting = self._workers.submit(counter, upload, source, picture)
        counting.add_done_callback(finish)
        answer.add_done_callback(lambda done: done.cancelled() and counting.cancel())
        return answer

    def _record(self, answer: Answer, upload: Upload, source: str) -> None:
        record = answer.counted.record
        self._writer.append(record)
        self._retention.maybe_store(record, upload.content)
        metrics.photos.labels(source, record.error or "counted", record.model_version).inc()
        metrics.photo_seconds.observe(record.latency_ms / 1000)
        if record.error is None:
            metrics.detections.observe(record.n_detections)

    @property
    def keeps_photos(self) -> bool:
        """Whether a photo is kept where a person agrees."""
        return self.settings.limits.keep_agreed

    def keep_photo(
        self, record: PredictionRecord, content: bytes, boxes: Sequence[CorrectedBox] | None
    ) -> None:
        """Keep a photo as a person agreed, with its boxes as that person left them.

        Raises:
            OSError: it cannot be written.
        """
        self._retention.store(record, content, boxes)

    def add_feedback(self, prediction_id: str, true_count: int | None, wrong: bool) -> None:
        """Store a person's feedback on a prediction.

        Raises:
            UnknownPredictionError: no such prediction, written or waiting to be written.
            LogAwayError: the log cannot be written now; the feedback is not stored.
        """
        if self._writer.hangs:
            raise LogAwayError("the prediction log does not answer")
        try:
            self.log.add_feedback(prediction_id, true_count, wrong)
        except UnknownPredictionError:
            if not self._writer.flush():
                raise LogAwayError(
                    "photos that were counted are not in the prediction log yet"
                ) from None
            self.log.add_feedback(prediction_id, true_count, wrong)
