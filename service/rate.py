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

    def wait_s(self, client: str) -> float:
        """0 and one call less in the bucket, or the seconds until the next call is due."""
        now = self._clock()
        left, when = self._buckets.pop(client, (float(self._per_minute), now))
        left = min(self._per_minute, left + (now - when) * self._per_minute / 60)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        while len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self._per_minute
