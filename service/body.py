"""How bodies arrive: so large, in so much time, and all together in so much memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from service import metrics
from service.refusal import RefusalError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

RETRY_AFTER_SECONDS = 1
MAX_READING_OF_A_CLIENT = 32


class BodyBudget:
    """Memory for the bodies of all requests that are being read, waiting or answered.

    One client gets half of it at most, and reads so many bodies at a time: what it leaves
    unfinished keeps nobody else out.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes: Counter[str] = Counter()
        self._reading: Counter[str] = Counter()

    @contextmanager
    def reading(self, client: str) -> Iterator[None]:
        """One more body of a client arrives.

        Raises:
            RefusalError: 503, too many of that client do.
        """
        if self._reading[client] >= MAX_READING_OF_A_CLIENT:
            metrics.refused.labels("reading").inc()
            raise RefusalError(503, "too many requests at a time; wait for answers", retry_after=1)
        self._reading[client] += 1
        try:
            yield
        finally:
            _less(self._reading, client, 1)

    def take(self, client: str, n_bytes: int) -> None:
        """Reserve memory for what has arrived.

        Raises:
            RefusalError: 503, there is no more.
        """
        full = self._held_bytes.total() + n_bytes > self._max_bytes
        if full or self._held_bytes[client] + n_bytes > self._max_bytes / 2:
            metrics.refused.labels("memory").inc()
            raise RefusalError(
                503,
                "the service holds as many photos as it has memory for; try again shortly",
                retry_after=RETRY_AFTER_SECONDS,
            )
        self._held_bytes[client] += n_bytes

    def give_back(self, client: str, n_bytes: int) -> None:
        """Of a request that is over."""
        _less(self._held_bytes, client, n_bytes)


def _less(counts: Counter[str], client: str, n: int) -> None:
    counts[client] -= n
    if not counts[client]:
        del counts[client]


class Body:
    """One request's body, read once, in pieces.

    Attributes:
        max_bytes: more is refused.
        received_bytes: so many have come.
    """

    def __init__(
        self,
        receive: Receive,
        client: str,
        *,
        declared_bytes: int | None,
        max_bytes: int,
        max_seconds: float,
        budget: BodyBudget,
    ) -> None:
        self._receive = receive
        self._client = client
        self._declared_bytes = declared_bytes
        self.max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._budget = budget
        self.received_bytes = 0

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes.

        Raises:
            RefusalError: 413 too large, 408 too slow, 503 no memory left, 499 the client is gone.
        """
        with self._budget.reading(self._client):
            async for piece in self._pieces():
                yield piece

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        if self._declared_bytes is not None:
            self._check_size(self._declared_bytes)
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._max_seconds
        while True:
            try:
                async with asyncio.timeout_at(ends):
                    message = await self._receive()
            except TimeoutError as error:
                raise RefusalError(408, "the request took too long to arrive") from error
            if message["type"] == "http.disconnect":
                raise RefusalError(499, "the client went away")
            piece = message.get("body", b"")
            self._check_size(self.received_bytes + len(piece))
            self._budget.take(self._client, len(piece))
            self.received_bytes += len(piece)
            yield piece
            if not message.get("more_body", False):
                return

    async def whole(self) -> bytes:
        """All of it; see ``pieces``."""
        return b"".join([piece async for piece in self.pieces()])

    def close(self) -> None:
        """The request is over: its memory is free."""
        self._budget.give_back(self._client, self.received_bytes)

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self.max_bytes:
            raise RefusalError(413, f"the request is larger than {in_words(self.max_bytes)}")


def in_words(n_bytes: int) -> str:
    """A limit, as people write it."""
    return f"{n_bytes / 1e6:g} MB" if n_bytes >= 1e6 else f"{n_bytes / 1024:g} KiB"
