"""Where API and page hand in photos: a few at a time are counted, and every one is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from service import metrics
from service.champion import Champion
from service.intake import Upload
from service.keep import PhotoKeeper
from service.settings import Settings, require_model
from sparrow.counter import CountedPhoto, Counter
from sparrow.images import RgbImage
from sparrow.prediction_log import PredictionLog, UnknownPredictionError
from sparrow.prediction_writer import PredictionWriter

T = TypeVar("T")
Finish = Callable[[CountedPhoto, RgbImage | None], T]


class Desk:
    """The model, the threads that run it, and the log."""

    def __init__(self, settings: Settings) -> None:
        require_model(settings)
        self.settings = settings
        self._champion = Champion(settings.model, watched=settings.watched)
        self.log = PredictionLog(settings.prediction_log)
        self._writer = PredictionWriter(self.log)
        self._keeper = PhotoKeeper(settings.limits)
        # ONNX Runtime and Pillow let go of Python's lock: threads are enough to fill the cores,
        # and share one copy of the model. Photos differ in size, and the network takes one at a
        # time, so there is nothing for adaptive batching to put together.
        self._pool = ThreadPoolExecutor(settings.limits.threads, thread_name_prefix="count")

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
        self._pool.shutdown(wait=True)
        self._writer.close()
        self.log.close()

    async def count(
        self, uploads: Sequence[Upload], source: str, counter: Counter, finish: Finish[T]
    ) -> list[T]:
        """Count photos; no more of one request at a time than there are threads.

        Args:
            uploads: the photos.
            source: api or page.
            counter: the model, one for the whole request.
            finish: makes the result of a photo, in its thread, while its pixels are at hand.
        """
        metrics.photos_per_request.observe(len(uploads))
        places = asyncio.Semaphore(self.settings.limits.threads)

        async def one(upload: Upload) -> T:
            async with places:
                return await asyncio.wrap_future(self.submit(upload, source, counter, finish))

        return list(await asyncio.gather(*(one(upload) for upload in uploads)))

    def submit(self, upload: Upload, source: str, counter: Counter, finish: Finish[T]) -> Future[T]:
        """Hand in one photo; see ``count``."""
        metrics.waiting.inc()
        future = self._pool.submit(self._count_one, upload, source, counter, finish)
        future.add_done_callback(lambda _: metrics.waiting.dec())
        return future

    def _count_one(self, upload: Upload, source: str, counter: Counter, finish: Finish[T]) -> T:
        max_pixels = self.settings.limits.max_pixels
        counted, image = counter.count(upload.content, upload.name, source, max_pixels)
        record = counted.record
        self._writer.append(record)
        self._keeper.offer(record, upload.content)
        metrics.photos.labels(source, record.error or "counted", record.model_version).inc()
        metrics.photo_seconds.observe(record.latency_ms / 1000)
        if record.error is None:
            metrics.detections.observe(record.n_detections)
        return finish(counted, image)

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
