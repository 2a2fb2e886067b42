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

from sparrow.counter import Counter

T = TypeVar("T")


class ProcessLostError(RuntimeError):
    """The process died twice over one piece of work, such as a photo that takes all memory."""


class CounterProcess:
    """One process with a model of its own; used by one thread at a time.

    When it dies (killed, out of memory) it is started again and its work begun anew. Each is a pool
    of one, so that no other photo is lost with it. It ends when its parent does, however that ends.
    """

    def __init__(self) -> None:
        self._pool = _start()

    def run(self, work: Callable[..., T], folder: Path, *values: Any) -> T:
        """``work(counter, *values)`` over there, with the model of ``folder``.

        The parent has checked the folder's files; they are not checked again.

        Raises:
            ProcessLostError: it died, and once more when it was tried again.
        """
        for _ in range(2):
            try:
                return self._pool.submit(_run, work, folder, *values).result()
            except BrokenProcessPool:
                self._pool.shutdown()
                self._pool = _start()
        raise ProcessLostError("the process that counts died on this photo, twice")

    def close(self) -> None:
        """Finish and end it."""
        self._pool.shutdown()


def _start() -> ProcessPoolExecutor:
    # A fork would copy the engine's locks, but not the threads that hold them.
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("this runs in a process that was started by another")

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _run(work: Callable[..., T], folder: Path, *values: Any) -> T:
    return work(_counter(folder), *values)


@lru_cache(maxsize=2)  # the model of this moment, and that of photos which began before a promotion
def _counter(folder: Path) -> Counter:
    return Counter(folder, verify=False)
