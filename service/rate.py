"""A limit to the calls of each client."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MAX_CLIENTS = 10_000  # remembered; beyond it, the clients longest without a call are forgotten


class RateLimit:
    """A token bucket of ``per_minute`` calls for each client, refilled evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # calls left, when

    def peek_s(self, client: str) -> float:
        """Seconds until the next call is allowed; takes no token."""
        left = self._left(client, self._clock())
        return 0.0 if left >= 1 else (1 - left) * 60 / self._per_minute

    def _left(self, client: str, now: float) -> float:
        left, when = self._buckets.get(client, (float(self._per_minute), now))
        return min(self._per_minute, left + (now - when) * self._per_minute / 60)

    def wait_s(self, client: str) -> float:
        """Take a token: 0, or without one the seconds until the next call is allowed."""
        now = self._clock()
        left = self._left(client, now)
        self._buckets.pop(client, None)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        while len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self._per_minute
