"""Where API and page hand in photos: a few at a time are counted, and every one is logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future

from service import metrics
from service.champion import Champion
from service.counting import Answer, Picture, Places
from service.intake import Upload
from service.keep import PhotoKeeper
from service.settings import Settings, require_model
from sparrow.counter import Counter
from sparrow.prediction_log import PredictionLog, UnknownPredictionError
from sparrow.prediction_writer import PredictionWriter

logger = logging.getLogger("sparrow.service")


class Desk:
    """The model, the places where photos are counted, and the log."""

    def __init__(self, settings: Settings) -> None:
        require_model(settings)
        self.settings = settings
        self._champion = Champion(settings.model, watched=settings.watched)
        self.log = PredictionLog(settings.prediction_log)
        self._writer = PredictionWriter(self.log)
        self._keeper = PhotoKeeper(settings.limits)
        # Photos differ in size, and the network takes one at a time: there is nothing for adaptive
        # batching to put together.
        self._places = Places(settings.limits, self.counter)

    @property
    def counter(self) -> Counter:
        """The model of this moment."""
        return self._champion.counter

    def look_for_champion(self) -> None:
        """Take up a newly published model now, not at the next look."""
        self._champion.look()

    def close(self) -> None:
        """Finish what was accepted, and write it down."""
        self._champion.close()
        self._places.close()
        self._writer.close()
        self.log.close()

    async def count(
        self,
        uploads: Sequence[Upload],
        source: str,
        counter: Counter,
        picture: Picture | None = None,
    ) -> list[Answer]:
        """Count photos; no more of one request at a time than there are places.

        Args:
            uploads: the photos.
            source: api or page.
            counter: the model, one for the whole request.
            picture: also the photos with their boxes, as such files.
        """
        metrics.photos_per_request.observe(len(uploads))
        turns = asyncio.Semaphore(self._places.count)

        async def one(upload: Upload) -> Answer:
            async with turns:
                return await asyncio.wrap_future(self.submit(upload, source, counter, picture))

        return list(await asyncio.gather(*(one(upload) for upload in uploads)))

    def submit(
        self, upload: Upload, source: str, counter: Counter, picture: Picture | None = None
    ) -> Future[Answer]:
        """Hand in one photo; see ``count``. Its record is queued before its future is done."""
        metrics.waiting.inc()
        answer: Future[Answer] = Future()

        def note(counted: Future[Answer]) -> None:
            metrics.waiting.dec()
            try:
                self._note(counted.result(), upload, source)
                answer.set_result(counted.result())
            except BaseException as error:  # whoever waits must hear of it
                answer.set_exception(error)

        self._places.submit(counter, upload, source, picture).add_done_callback(note)
        return answer

    def _note(self, answer: Answer, upload: Upload, source: str) -> None:
        record = answer.counted.record
        self._writer.append(record)
        self._keeper.offer(record, upload.content)
        metrics.photos.labels(source, record.error or "counted", record.model_version).inc()
        metrics.photo_seconds.observe(record.latency_ms / 1000)
        if record.error is None:
            metrics.detections.observe(record.n_detections)

    def add_feedback(self, prediction_id: str, true_count: int | None, wrong: bool) -> None:
        """Store what a person says about an answer.

        Raises:
            UnknownPredictionError: no such prediction, not even among those not yet written.
        """
        try:
            self.log.add_feedback(prediction_id, true_count, wrong)
        except UnknownPredictionError:
            self._writer.flush()
            self.log.add_feedback(prediction_id, true_count, wrong)
