"""Connections: so many, and none that holds a place without asking for anything.

uvicorn waits for a request's head for as long as it takes to come, and takes connections until the
process has no descriptor left. BentoML hands uvicorn no settings of ours, so the protocol is put
where uvicorn looks for its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
from typing import Any

import h11
import uvicorn.protocols.http.auto
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # for the head of a request to arrive
MAX_HEAD_BYTES = 80 * 1024  # the gate refuses headers above 64 KiB with a sentence
ACCEPTS = (socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
SPARE_DESCRIPTORS = 200  # for files, databases and the engine's own


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 with a time limit for a request's head, and a limit to connections.

    Above the limit, whoever has waited longest without a whole request makes room: an honest
    client is let in even while another one fills the service with requests that it never ends.
    """

    max_connections = 512
    head_seconds = HEAD_SECONDS

    def __init__(self, config: Config, *args: Any, **more: Any) -> None:
        config.h11_max_incomplete_event_size = MAX_HEAD_BYTES
        super().__init__(config, *args, **more)

    def send_400_response(self, msg: str) -> None:
        """Answer to what is no HTTP in the words of every other refusal."""
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
        """A client is there."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._since = self.loop.time()
        self._watch_head()
        if len(self.connections) > self.max_connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """An answer is out; the connection may ask again."""
        self._since = self.loop.time()
        super().on_response_complete()

    @property
    def _asks_nothing(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _is_incomplete(self) -> bool:
        return self._asks_nothing or self.cycle.more_body

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
        if self._asks_nothing:
            self.transport.close()

    def _make_room(self) -> None:
        others: list[Any] = [other for other in self.connections if other is not self]
        waiting = [other for other in others if other._is_incomplete]
        if waiting:
            min(waiting, key=lambda other: other._since).transport.abort()
        else:
            self.transport.abort()


def bound_connections(max_connections: int) -> type[BoundedProtocol]:
    """Let every uvicorn of this process accept no more connections; returns the protocol.

    The process's limit of descriptors is raised as far as it may be; where that is too low for
    ``max_connections``, fewer are accepted.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max_connections + SPARE_DESCRIPTORS
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    BoundedProtocol.max_connections = min(max_connections, max(1, soft - SPARE_DESCRIPTORS))
    uvicorn.protocols.http.auto.AutoHTTPProtocol = BoundedProtocol
    return BoundedProtocol


def listening_at() -> list[str]:
    """Addresses that this process accepts connections at, wherever its socket came from."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(name))) as one:
                if one.type != socket.SOCK_STREAM or not one.getsockopt(*ACCEPTS):
                    continue
                address = one.getsockname()
        except OSError:  # no socket, or closed since
            continue
        if isinstance(address, tuple) and address[1]:
            found.append(f"{address[0]}:{address[1]}")
    return sorted(set(found))
