"""How often one client may call."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MAX_CLIENTS = 10_000  # remembered; of more, those that were quiet longest are forgotten


class RateLimit:
    """A bucket of ``per_minute`` calls for every client, filled again at an even pace."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # calls left, when

    def peek_s(self, client: str) -> float:
        """Seconds until the next call is due; takes none."""
        left = self._left(client, self._clock())
        return 0.0 if left >= 1 else (1 - left) * 60 / self._per_minute

    def _left(self, client: str, now: float) -> float:
        left, when = self._buckets.get(client, (float(self._per_minute), now))
        return min(self._per_minute, left + (now - when) * self._per_minute / 60)

    def wait_s(self, client: str) -> float:
        """0 and one call less in the bucket, or the seconds until the next call is due."""
        now = self._clock()
        left = self._left(client, now)
        self._buckets.pop(client, None)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        while len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self._per_minute
