"""A process that counts photos beside this one, for the command line and the service."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import INFO, ModelFolderError
from sparrow.portable import keep_freed_memory

T = TypeVar("T")


class ProcessLostError(RuntimeError):
    """The process died twice over one piece of work, such as a photo that takes all memory."""


class WorkerProcess:
    """One process with a model of its own; used by one thread at a time.

    When it dies (killed, out of memory) it is started again and its work begun anew. Each is a pool
    of one, so that no other photo is lost with it. It ends when its parent does, however that ends.
    """

    def __init__(self) -> None:
        self._pool = _start()

    def run(
        self,
        work: Callable[..., T],
        folder: Path,
        *values: Any,
        info_sha256: str | None = None,
    ) -> T:
        """``work(counter, *values)`` in the process, with the model of ``folder``.

        Args:
            work: what to do; a function that a process can import.
            folder: of the model; loaded once, and checked like everywhere.
            values: more arguments.
            info_sha256: which model has to be there (``PhotoCounter.info_sha256``); the folder may
                have been replaced since it was loaded. None takes whatever is there.

        Raises:
            ProcessLostError: it died, and once more when it was tried again.
            ModelFolderError: the folder does not hold that model any more, or no whole one.
        """
        for _ in range(2):
            try:
                return self._pool.submit(_run, work, folder, info_sha256, *values).result()
            except BrokenProcessPool:
                self._pool.shutdown()
                self._pool = _start()
        raise ProcessLostError("the process that counts died on this photo, twice")

    def close(self) -> None:
        """Finish and end it."""
        self._pool.shutdown()


def _start() -> ProcessPoolExecutor:
    # A fork would copy the engine's locks, but not the threads that hold them.
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin)


def _begin() -> None:
    """Count photo after photo, and end with the parent."""
    keep_freed_memory()
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("this runs in a process that was started by another")

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _run(work: Callable[..., T], folder: Path, info_sha256: str | None, *values: Any) -> T:
    return work(_counter(folder, info_sha256), *values)


@lru_cache(maxsize=2)  # the model of this moment, and that of photos which began before a promotion
def _counter(folder: Path, info_sha256: str | None) -> PhotoCounter:
    counter = PhotoCounter(folder)
    if info_sha256 not in (None, counter.info_sha256):
        raise ModelFolderError(
            f"{folder} holds another model now: expected a {INFO} of SHA-256 {info_sha256}, found "
            f"{counter.info_sha256}"
        )
    return counter
