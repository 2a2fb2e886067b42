"""One request and its answer, while ``RequestGuard`` handles them."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.body import Message, Receive
from service.proxies import Origin, Scope
from service.refusal import RefusalError
from service.routes import Route

Send = Callable[[Message], Awaitable[None]]

MAX_JSON_BYTES = 64 * 1024
CLIENT_GONE = 499  # the client closed before it had an answer; nginx's number for that


@dataclass
class Exchange:
    """One request, and what its log line says at the end.

    Attributes:
        scope: of ASGI; replaced as the request is rewritten.
        receive: of ASGI; replaced once the body is read.
        send: of ASGI; adds the request's number to the answer.
        headers: lower-case name -> value, of repeated headers the last.
        request_id: the client's, or one made here.
        route: None where the path is unknown.
        started: seconds of ``time.perf_counter``.
        status: of the answer; 499 until one is sent.
        photos: number in the body.
        received_bytes: of the body.
    """

    scope: Scope
    receive: Receive
    send: Send
    headers: dict[str, str]
    origin: Origin
    request_id: str
    route: Route | None = None
    started: float = field(default_factory=time.perf_counter)
    status: int = CLIENT_GONE
    photos: int = 0
    received_bytes: int = 0

    @property
    def wants_page(self) -> bool:
        """Whether a browser asks for HTML, not a program for JSON."""
        return "text/html" in self.headers.get("accept", "")

    async def answer(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = "application/json",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Send a whole answer with ``more`` headers, unless one has begun."""
        if self.status != CLIENT_GONE:
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

    async def refuse(self, refusal: RefusalError) -> None:
        """Answer with a refusal's status and sentence, unless the client is gone."""
        if refusal.status == CLIENT_GONE:
            return
        more = dict(refusal.headers)
        if refusal.status in (408, 413, 503):
            more["connection"] = "close"  # the rest of the body is not wanted
        body = json.dumps({"error": str(refusal)}).encode()
        await self.answer(refusal.status, body, more=more)


def without_body(receive: Receive) -> Receive:
    """A receive that gives an empty body, for a route that needs none."""
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
    """A receive that gives ``content`` as the whole body, then what ``receive`` gives."""
    rest: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def next_message() -> Message:
        return rest.pop() if rest else await receive()

    return next_message
