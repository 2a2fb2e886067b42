"""One request and its answer, while they pass the gate."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.body import Message, Receive
from service.proxies import Origin, Scope
from service.routes import Route

Send = Callable[[Message], Awaitable[None]]

MAX_JSON_BYTES = 64 * 1024
GONE = 499  # a client that went away before it had an answer; nginx's number for that


@dataclass
class Exchange:
    """One request, and what is known of it by its end."""

    scope: Scope
    receive: Receive
    send: Send
    headers: dict[str, str]
    origin: Origin
    request_id: str
    route: Route | None = None
    started: float = field(default_factory=time.perf_counter)
    status: int = GONE
    photos: int = 0
    received_bytes: int = 0

    @property
    def wants_page(self) -> bool:
        """Whether a browser asks, for a person."""
        return "text/html" in self.headers.get("accept", "")

    async def answer(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = "application/json",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Send a whole answer with ``more`` headers, unless one has begun."""
        if self.status != GONE:
            return
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.encode(), value.encode("latin-1")) for name, value in more.items()),
        ]
        if self.scope["method"] == "HEAD":
            body = b""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def without_body(receive: Receive) -> Receive:
    """Of a request that needs none, a body is not read to its end."""
    begun = False

    async def next_message() -> Message:
        nonlocal begun
        if not begun:
            begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return await _disconnect(receive)

    return next_message


async def _disconnect(receive: Receive) -> Message:
    ignored = 0
    while True:
        message = await receive()
        ignored += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or ignored > MAX_JSON_BYTES:
            return {"type": "http.disconnect"}


def replay(content: bytes, receive: Receive) -> Receive:
    rest: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def next_message() -> Message:
        return rest.pop() if rest else await receive()

    return next_message
