"""Counts photos in parallel, in threads of this process or in processes of their own."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

from service.pictures import VIEW_SIDES_PX, annotated, encoded, view
from service.uploads import Upload
from sparrow.config import ServiceConfig
from sparrow.images import at_full_size, decode_photo
from sparrow.inference.counter import CountedPhoto, PhotoCounter
from sparrow.inference.model_folder import ModelFolderError
from sparrow.inference.worker_process import ProcessLostError, WorkerProcess

T = TypeVar("T")
PictureFormat = Literal["jpeg", "png", "view"]  # view: without boxes, for a screen


@dataclass(frozen=True)
class Answer:
    """A counted photo, and where requested a picture file of it."""

    counted: CountedPhoto
    picture: bytes | None = None


def count_photo(
    counter: PhotoCounter,
    upload: Upload,
    source: str,
    max_pixels: int,
    picture: PictureFormat | None,
) -> Answer:
    """Count one photo, and make the picture of it that is asked for."""
    counted, photo = counter.count(upload.content, upload.name, source, max_pixels, upload.tiles)
    if picture is None or photo is None or counted.record.error is not None:
        return Answer(counted)
    if picture == "view":
        shown = photo if photo.is_full else decode_photo(upload.content, max_pixels, VIEW_SIDES_PX)
        return Answer(counted, view(shown.pixels))
    image = at_full_size(photo, upload.content, max_pixels)
    drawn = annotated(image, counted.record, counter.info.class_names)
    return Answer(counted, encoded(drawn, png=picture == "png"))


class WorkerPool:
    """Counts a limited number of photos at a time; the others wait.

    ONNX Runtime and Pillow release Python's lock, so threads use all cores and share one copy of
    the model. With ``service.workers`` each photo is counted in a process of its own.

    Attributes:
        count: photos that are counted at the same time.
    """

    def __init__(self, limits: ServiceConfig, counter: PhotoCounter) -> None:
        """``counter``: the first model; every process loads it here."""
        self.count = limits.workers or limits.threads
        self._max_pixels = limits.max_pixels
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="count")
        self._processes = [WorkerProcess() for _ in range(limits.workers)]
        self._free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        for process in self._processes:
            self._free.put(process)
        list(self._threads.map(lambda process: _run(process, _ready, counter), self._processes))

    def submit(
        self, counter: PhotoCounter, upload: Upload, source: str, picture: PictureFormat | None
    ) -> Future[Answer]:
        """Count a photo when a worker is free."""
        count = self._count_in_process if self._processes else count_photo
        return self._threads.submit(count, counter, upload, source, self._max_pixels, picture)

    def close(self) -> None:
        """Count the submitted photos, then end the workers."""
        self._threads.shutdown(wait=True)
        for process in self._processes:
            process.close()

    def _count_in_process(
        self,
        counter: PhotoCounter,
        upload: Upload,
        source: str,
        max_pixels: int,
        picture: PictureFormat | None,
    ) -> Answer:
        process = self._free.get()
        try:
            return _run(process, count_photo, counter, upload, source, max_pixels, picture)
        except (ProcessLostError, ModelFolderError):
            return Answer(counter.failed(upload.content, upload.name, source))
        finally:
            self._free.put(process)


def _run(
    process: WorkerProcess, work: Callable[..., T], counter: PhotoCounter, *values: object
) -> T:
    return process.run(work, counter.folder, *values, info_sha256=counter.info_sha256)


def _ready(counter: PhotoCounter) -> str:
    return counter.version
