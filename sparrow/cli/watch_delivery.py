"""Delivers what was counted, in order, to a receiver that may be away for any time."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from sparrow.cli.journal_entry import Entry
from sparrow.cli.watch_message import Messages, is_told
from sparrow.cli.watch_queue import Queue

_LOOK_S = 0.2  # from one look for new entries to the next
LAST_S = 5.0  # for what is left when the watch ends; the rest is delivered after the next start


class Receiver(Protocol):
    """Who is told."""

    name: str

    def deliver(self, entry: Entry, messages: Messages, stopping: threading.Event) -> bool:
        """Tell of a photo, however long that takes; False where it was stopped before."""

    def idle(self, messages: Messages, last: Entry | None) -> None:
        """Do what is to be done when there is nothing to tell."""

    def close(self) -> None:
        """Take leave."""


class Delivery:
    """A thread that takes entries from a queue to a receiver."""

    def __init__(
        self, queue: Queue, receiver: Receiver, messages: Messages, failed: Callable[[], None]
    ) -> None:
        """Begin.

        Args:
            queue: of this receiver.
            receiver: see there.
            messages: of this receiver.
            failed: is called when a fault of this program ends the thread.
        """
        self._queue, self._receiver, self._messages = queue, receiver, messages
        self._failed = failed
        self._ending, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=receiver.name, daemon=True)
        if queue.restarted:
            print(
                f"{receiver.name}: the journal is another one than before; all photos are told "
                "again",
                file=sys.stderr,
            )
        self._thread.start()

    def close(self) -> None:
        """End, after what is left was delivered or ``LAST_S`` is over."""
        self._ending.set()
        self._thread.join(LAST_S)
        self._stopping.set()
        self._thread.join()
        left = self._queue.waiting()
        if left:
            print(
                f"{self._receiver.name}: {left} photos are told after the next start",
                file=sys.stderr,
            )
        self._queue.close()

    def _run(self) -> None:
        try:
            self._deliver_all()
        except Exception:  # the thread's boundary: without this a watch would go on in silence
            traceback.print_exc()
            self._failed()
        finally:
            self._receiver.close()

    def _deliver_all(self) -> None:
        last = None
        for entry in filter(is_told, self._queue.before()):
            self._messages.note(entry, _today())
            last = entry
        while not self._stopping.is_set():
            entry_or_none = self._queue.next()
            if entry_or_none is None:
                if self._ending.is_set():
                    return
                self._receiver.idle(self._messages, last)
                self._ending.wait(_LOOK_S)
                continue
            if is_told(entry_or_none):
                last = entry_or_none
                self._messages.note(last, _today())
                if not self._receiver.deliver(last, self._messages, self._stopping):
                    return
            self._take()

    def _take(self) -> None:
        try:
            self._queue.taken()
        except OSError as error:  # told again after a kill, with the same id
            print(f"{self._receiver.name}: {error}", file=sys.stderr)
            time.sleep(_LOOK_S)


def _today() -> date:
    return datetime.now().astimezone().date()
