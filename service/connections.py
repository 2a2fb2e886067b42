"""The number of connections, and how long each may stay open without a whole request.

uvicorn waits without a limit for a request's head, and accepts connections until the process has no
descriptor left. BentoML passes no settings of ours to uvicorn, so the protocol class replaces
uvicorn's own in its module.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from typing import Any

import h11
import uvicorn.protocols.http.auto
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.lingering import LingeringTransport
from sparrow.portable import open_descriptors, raise_descriptor_limit

HEAD_SECONDS = 10.0  # for the head of a request to arrive
MAX_HEAD_BYTES = 80 * 1024  # RequestGuard refuses headers above 64 KiB with a sentence
LISTENS = (socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
SPARE_DESCRIPTORS = 200  # for files, databases and the engine's own


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 with a time limit for a request's head, a limit to connections, a lingering close.

    Above the limit, a connection that has its answer and lingers is closed, else the one that has
    waited longest without a whole request: an honest client gets in even while another fills the
    service with requests that it never ends.
    """

    max_connections = 512
    head_seconds = HEAD_SECONDS
    transport: LingeringTransport  # type: ignore[assignment]  # it has a transport's methods
    transport_class = LingeringTransport

    # Any: uvicorn's own arguments, passed through.
    def __init__(self, config: Config, *args: Any, **more: Any) -> None:
        config.h11_max_incomplete_event_size = MAX_HEAD_BYTES
        super().__init__(config, *args, **more)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with the same JSON as every other refusal."""
        body = json.dumps({"error": msg}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit for the first request's head."""
        lingering = self.transport_class(transport, self.loop, self._is_unfinished)
        super().connection_made(lingering)  # type: ignore[arg-type]  # see ``transport``
        self._timer: asyncio.TimerHandle | None = None
        self._since = self.loop.time()
        self._watch_head()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Read more of a request; what follows an answer is discarded."""
        if self.transport.lingers or (self._asks_nothing and self._is_unfinished()):
            self.transport.discard(len(data))
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers of a closed connection."""
        self._stop_timer()
        self.transport.stop()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start the wait for the connection's next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    @property
    def _asks_nothing(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _is_incomplete(self) -> bool:
        return self._asks_nothing or self.cycle.more_body

    def _is_unfinished(self) -> bool:
        """Whether the rest of a request's body, or of what is no HTTP, may be on its way."""
        return self.conn.their_state in (h11.SEND_BODY, h11.ERROR)

    def _watch_head(self) -> None:
        if not self._asks_nothing:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._asks_nothing and not self.transport.lingers:
            self.transport.close()

    def _make_room(self) -> None:
        """Close a connection if this is one too many; several may arrive before one is lost."""
        kept = [
            other
            for other in self.connections
            if isinstance(other, BoundedProtocol) and not other.transport.is_closed
        ]
        if len(kept) <= self.max_connections:
            return
        others = [other for other in kept if other is not self and other._is_incomplete]
        lingers_or_oldest = min(
            others, key=lambda other: (not other.transport.lingers, other._since), default=self
        )
        lingers_or_oldest.transport.abort()


def bound_connections(max_connections: int) -> type[BoundedProtocol]:
    """Set the limit to connections for every uvicorn of this process; returns the protocol.

    The process's limit of descriptors is raised as far as it may be; where that is too low for
    ``max_connections``, fewer are accepted.
    """
    limit = raise_descriptor_limit(max_connections + SPARE_DESCRIPTORS)
    BoundedProtocol.max_connections = min(max_connections, max(1, limit - SPARE_DESCRIPTORS))
    uvicorn.protocols.http.auto.AutoHTTPProtocol = BoundedProtocol
    return BoundedProtocol


def listening_at() -> list[str]:
    """Addresses at which this process accepts connections, by host and port.

    Read from its descriptors: BentoML's worker inherits a socket that its supervisor opened.
    """
    addresses = set()
    for descriptor in open_descriptors():
        try:
            with socket.socket(fileno=os.dup(descriptor)) as opened:
                if opened.type != socket.SOCK_STREAM or not opened.getsockopt(*LISTENS):
                    continue
                address = opened.getsockname()
        except OSError:  # no socket, or closed since
            continue
        if isinstance(address, tuple) and address[1]:
            addresses.add(f"{address[0]}:{address[1]}")
    return sorted(addresses)
