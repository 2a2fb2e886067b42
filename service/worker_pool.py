"""Where photos are counted: in threads of this process, or in processes of their own."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from service.pictures import annotated, encoded
from service.uploads import Upload
from sparrow.config import ServiceConfig
from sparrow.inference.counter import CountedPhoto, PhotoCounter
from sparrow.inference.model_folder import ModelFolderError
from sparrow.inference.worker_process import ProcessLostError, WorkerProcess

T = TypeVar("T")
Picture = Literal["jpeg", "png"]


@dataclass(frozen=True)
class Answer:
    """A counted photo, and the photo with its boxes as a file where one was asked for."""

    counted: CountedPhoto
    picture: bytes | None = None


def count_photo(
    counter: PhotoCounter, upload: Upload, source: str, max_pixels: int, picture: Picture | None
) -> Answer:
    """Count one photo, and draw it while its pixels are at hand."""
    counted, image = counter.count(upload.content, upload.name, source, max_pixels)
    if picture is None or image is None or counted.record.error is not None:
        return Answer(counted)
    return Answer(counted, encoded(annotated(image, counted.record), png=picture == "png"))


class WorkerPool:
    """So many photos are counted at a time; the others wait.

    ONNX Runtime and Pillow let go of Python's lock, so threads fill the cores and share one copy of
    the model. ``service.workers`` moves the work to processes of their own, one photo in each.
    """

    def __init__(self, limits: ServiceConfig, counter: PhotoCounter) -> None:
        """``counter``: the first model to count with; every process has loaded it afterwards."""
        self.count = limits.workers or limits.threads
        self._max_pixels = limits.max_pixels
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="count")
        self._processes = [WorkerProcess() for _ in range(limits.workers)]
        self._free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        for process in self._processes:
            self._free.put(process)
        list(self._threads.map(lambda one: _run(one, _ready, counter), self._processes))

    def submit(
        self, counter: PhotoCounter, upload: Upload, source: str, picture: Picture | None
    ) -> Future[Answer]:
        """Count a photo when a place is free."""
        count = self._count_aside if self._processes else count_photo
        return self._threads.submit(count, counter, upload, source, self._max_pixels, picture)

    def close(self) -> None:
        """Finish what was submitted."""
        self._threads.shutdown(wait=True)
        for process in self._processes:
            process.close()

    def _count_aside(
        self,
        counter: PhotoCounter,
        upload: Upload,
        source: str,
        max_pixels: int,
        picture: Picture | None,
    ) -> Answer:
        process = self._free.get()
        try:
            return _run(process, count_photo, counter, upload, source, max_pixels, picture)
        except (ProcessLostError, ModelFolderError):
            return Answer(counter.failed(upload.content, upload.name, source))
        finally:
            self._free.put(process)


def _run(process: WorkerProcess, work: Callable[..., T], counter: PhotoCounter, *values: Any) -> T:
    return process.run(work, counter.folder, *values, info_sha256=counter.info_sha256)


def _ready(counter: PhotoCounter) -> str:
    return counter.version
