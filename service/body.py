"""Reading of request bodies, limited in size, time, and memory for all of them together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service import metrics
from service.refusal import RefusalError

Message = MutableMapping[str, Any]  # Any: of ASGI, whose values have many types
Receive = Callable[[], Awaitable[Message]]

RETRY_AFTER_SECONDS = 1
MAX_READING_OF_A_CLIENT = 32


class BodyBudget:
    """Memory for the bodies of all requests that are being read, waiting or answered.

    A client gets half of it at most, and ``MAX_READING_OF_A_CLIENT`` bodies at a time, so that its
    unfinished requests do not keep others out.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes: Counter[str] = Counter()
        self._reading: Counter[str] = Counter()

    @contextmanager
    def reading(self, client: str) -> Iterator[None]:
        """Count a body of a client while it is read.

        Raises:
            RefusalError: 503, too many of that client are being read.
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
        """Reserve memory for bytes that were received.

        Raises:
            RefusalError: 503, there is none left.
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
        """Release the memory of a finished request."""
        _less(self._held_bytes, client, n_bytes)


def _less(counts: Counter[str], client: str, n: int) -> None:
    counts[client] -= n
    if not counts[client]:
        del counts[client]


@dataclass(frozen=True)
class BodyLimits:
    """Limits of one body.

    Attributes:
        max_bytes: a larger one is refused.
        max_seconds: for all of it to be received.
        budget: memory that it shares with the other requests.
    """

    max_bytes: int
    max_seconds: float
    budget: BodyBudget


class Body:
    """One request's body, read once, in pieces.

    Attributes:
        max_bytes: a larger body is refused.
        received_bytes: number of bytes read so far.
    """

    def __init__(
        self, receive: Receive, client: str, limits: BodyLimits, *, declared_bytes: int | None
    ) -> None:
        """``declared_bytes``: of the Content-Length header, where there is a valid one."""
        self._receive = receive
        self._client = client
        self._declared_bytes = declared_bytes
        self.max_bytes = limits.max_bytes
        self._max_seconds = limits.max_seconds
        self._budget = limits.budget
        self.received_bytes = 0

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body's pieces as they are received.

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
        """The whole body; raises what ``pieces`` raises."""
        return b"".join([piece async for piece in self.pieces()])

    def close(self) -> None:
        """Release the body's memory, at the end of its request."""
        self._budget.give_back(self._client, self.received_bytes)

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self.max_bytes:
            raise RefusalError(413, f"the request is larger than {in_words(self.max_bytes)}")


def in_words(n_bytes: int) -> str:
    """A limit for a message: ``64 MB`` or ``64 KiB``."""
    return f"{n_bytes / 1e6:g} MB" if n_bytes >= 1e6 else f"{n_bytes / 1024:g} KiB"
