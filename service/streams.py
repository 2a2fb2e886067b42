"""Answers that stay open while a page listens, limited in all and for each client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from service import metrics
from service.body import RETRY_AFTER_SECONDS
from service.refusal import RefusalError

MAX_OF_A_CLIENT = 64


class Streams:
    """Counts the open streams."""

    def __init__(self, max_streams: int) -> None:
        self._max_streams = max_streams
        self._open: Counter[str] = Counter()

    @contextmanager
    def opened(self, client: str) -> Iterator[None]:
        """Count a client's stream while it is open.

        Raises:
            RefusalError: 503, too many are open.
        """
        if self._open.total() >= self._max_streams or self._open[client] >= MAX_OF_A_CLIENT:
            metrics.refused.labels("streams").inc()
            raise RefusalError(
                503, "too many pages are open; close one", retry_after=RETRY_AFTER_SECONDS
            )
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
