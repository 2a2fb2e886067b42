"""How bodies arrive: so large, in so much time, and all together in so much memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any

from service import metrics
from service.refusal import RefusalError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

RETRY_AFTER_SECONDS = 1


class BodyBudget:
    """Memory for the bodies of all requests that are being read, waiting or answered."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = 0

    def take(self, n_bytes: int) -> None:
        """Reserve memory for what has arrived.

        Raises:
            RefusalError: 503, there is no more.
        """
        if self._held_bytes + n_bytes > self._max_bytes:
            metrics.refused.labels("memory").inc()
            raise RefusalError(
                503,
                "the service holds as many photos as it has memory for; try again shortly",
                retry_after=RETRY_AFTER_SECONDS,
            )
        self._held_bytes += n_bytes

    def give_back(self, n_bytes: int) -> None:
        """Of a request that is over."""
        self._held_bytes -= n_bytes


class Body:
    """One request's body, read once, in pieces.

    Attributes:
        max_bytes: more is refused.
        received_bytes: so many have come.
    """

    def __init__(
        self,
        receive: Receive,
        *,
        declared_bytes: int | None,
        max_bytes: int,
        max_seconds: float,
        budget: BodyBudget,
    ) -> None:
        self._receive = receive
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
            self._budget.take(len(piece))
            self.received_bytes += len(piece)
            yield piece
            if not message.get("more_body", False):
                return

    async def whole(self) -> bytes:
        """All of it; see ``pieces``."""
        return b"".join([piece async for piece in self.pieces()])

    def close(self) -> None:
        """The request is over: its memory is free."""
        self._budget.give_back(self.received_bytes)

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self.max_bytes:
            raise RefusalError(413, f"the request is larger than {in_words(self.max_bytes)}")


def in_words(n_bytes: int) -> str:
    """A limit, as people write it."""
    return f"{n_bytes / 1e6:g} MB" if n_bytes >= 1e6 else f"{n_bytes / 1024:g} KiB"
