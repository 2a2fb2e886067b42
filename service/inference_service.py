"""Where API and page hand in photos: a few at a time are counted, and every one is logged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from service import metrics
from service.champion import Champion
from service.counting import Answer, Picture, WorkerPool
from service.photo_retention import PhotoRetention
from service.settings import Settings, require_model, started_in
from service.uploads import Upload
from sparrow.database import StoreError, reason, sqlite_path
from sparrow.inference.counter import PhotoCounter
from sparrow.predictions.log import LogAwayError, PredictionLog, UnknownPredictionError
from sparrow.predictions.log_state import LogState
from sparrow.predictions.spill import SERVER_FOLDER
from sparrow.predictions.writer import PredictionWriter

LOCK_WAIT_S = 0.5  # for whoever has locked the log; then photos wait on the disk
REPLACED_SECONDS = 60.0  # so long after the log's file was replaced the service is not ready

logger = logging.getLogger("sparrow.service")


def _open_log(url: str) -> PredictionLog:
    """The log, or a sentence: a service that cannot log does not start, and is started again."""
    try:
        return PredictionLog(url, lock_wait_s=LOCK_WAIT_S)
    except (SQLAlchemyError, OSError) as error:
        where = make_url(url).render_as_string(hide_password=True)
        raise StoreError(
            f"the prediction log {where} cannot be opened: {reason(error)}. The service starts "
            "when it can be reached and written; its place is stores.prediction_log of the config"
        ) from None


class InferenceService:
    """The model, the places where photos are counted, and the log."""

    def __init__(self, settings: Settings) -> None:
        require_model(settings)
        self.settings = settings
        self._champion = Champion(settings.model, watched=settings.watched)
        self.log = _open_log(settings.prediction_log)
        self._replaced_at = float("-inf")
        self._log_state = LogState()
        folder = settings.limits.spill_folder
        if folder is None and sqlite_path(settings.prediction_log) is None:
            folder = str(SERVER_FOLDER)
        self._writer = PredictionWriter(
            self.log,
            # The working folder may be a Bento's own, and is deleted with it.
            spill_folder=None if folder is None else started_in() / folder,
            on_change=self._note_log_state,
        )
        self._keeper = PhotoRetention(settings.limits)
        # Photos differ in size, and the network takes one at a time: there is nothing for adaptive
        # batching to put together.
        self._workers = WorkerPool(settings.limits, self.counter)

    @property
    def counter(self) -> PhotoCounter:
        """The model of this moment."""
        return self._champion.counter

    def look_for_champion(self) -> None:
        """Take up a newly published model now, not at the next look."""
        self._champion.look()

    def close(self) -> None:
        """Finish what was accepted, and write it down."""
        self._champion.close()
        self._workers.close()
        self._writer.close()
        self._keeper.close()
        self.log.close()

    @property
    def log_is_well(self) -> bool:
        """Whether the log takes what it is given, and its file was not replaced just now."""
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
        picture: Picture | None = None,
    ) -> list[Answer]:
        """Count photos; no more of one request at a time than there are places.

        Args:
            uploads: the photos.
            source: api or page.
            counter: the model, one for the whole request.
            picture: also the photos with their boxes, as such files.

        Raises:
            LogAwayError: neither the log nor the disk takes what would be logged.
        """
        metrics.photos_per_request.observe(len(uploads))
        turns = asyncio.Semaphore(self._workers.count)

        async def one(upload: Upload) -> Answer:
            async with turns:
                return await asyncio.wrap_future(self.submit(upload, source, counter, picture))

        return list(await asyncio.gather(*(one(upload) for upload in uploads)))

    def submit(
        self, upload: Upload, source: str, counter: PhotoCounter, picture: Picture | None = None
    ) -> Future[Answer]:
        """Hand in one photo; see ``count``. Its record is queued before its future is done.

        Where nobody waits for the answer any more (its future is cancelled), a photo that was begun
        is logged like any other, and one that was not is left.
        """
        metrics.waiting.inc()
        answer: Future[Answer] = Future()

        def note(counted: Future[Answer]) -> None:
            metrics.waiting.dec()
            try:
                result = counted.result()
                self._note(result, upload, source)
            except (Exception, CancelledError) as error:  # whoever waits must hear of it
                if answer.set_running_or_notify_cancel():
                    answer.set_exception(error)
            else:
                if answer.set_running_or_notify_cancel():
                    answer.set_result(result)

        counting = self._workers.submit(counter, upload, source, picture)
        counting.add_done_callback(note)
        answer.add_done_callback(lambda done: done.cancelled() and counting.cancel())
        return answer

    def _note(self, answer: Answer, upload: Upload, source: str) -> None:
        record = answer.counted.record
        self._writer.append(record)
        self._keeper.maybe_store(record, upload.content)
        metrics.photos.labels(source, record.error or "counted", record.model_version).inc()
        metrics.photo_seconds.observe(record.latency_ms / 1000)
        if record.error is None:
            metrics.detections.observe(record.n_detections)

    def add_feedback(self, prediction_id: str, true_count: int | None, wrong: bool) -> None:
        """Store what a person says about an answer.

        Raises:
            UnknownPredictionError: no such prediction, not even among those not yet written.
            LogAwayError: the log takes nothing now; the feedback is not stored.
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
