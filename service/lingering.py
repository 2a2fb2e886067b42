"""Closing a connection so that a client which is still sending can read its answer.

A socket that is closed while data waits in it is reset, and a reset makes the client's system drop
an answer that it has received but not yet handed over. Go's reverse proxy, thus Caddy, then reports
a 502 in the place of an early 413 or 503. So the service ends its own direction only, and discards
what arrives until the client closes, within the limits below.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

# As long as a body may take to arrive (``service.upload_timeout_s``), and as nginx and Apache wait.
LINGER_SECONDS = 30.0
IDLE_SECONDS = 2.0  # without a byte: the client neither sends nor closes
# Twice the largest request by default: clients that read only after they have sent everything still
# learn why somewhat too large a request is refused.
LINGER_BYTES = 128_000_000


class LingeringTransport:
    """A transport whose ``close`` waits for the client while a request's body is unfinished.

    Attributes:
        lingers: whether ``close`` was called and the client is being waited for.
    """

    linger_seconds = LINGER_SECONDS
    idle_seconds = IDLE_SECONDS
    linger_bytes = LINGER_BYTES

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        is_unfinished: Callable[[], bool],
    ) -> None:
        """``is_unfinished``: whether the client may still be sending a body that is not read."""
        self._transport = transport
        self._loop = loop
        self._is_unfinished = is_unfinished
        self._discarded_bytes = 0
        self._ends = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.lingers = False

    def __getattr__(self, name: str) -> Any:  # the wrapped transport's own methods, of any type
        return getattr(self._transport, name)

    @property
    def is_closed(self) -> bool:
        """Whether nothing is waited for any more, though the loop may not have noted it yet."""
        return self._transport.is_closing()

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """Close now, or after the client has; a second call ends the waiting."""
        if self.lingers:
            self.abort()
        elif self._transport.is_closing() or not self._is_unfinished():
            self._transport.close()
        else:
            self.lingers = True
            self._ends = self._loop.time() + self.linger_seconds
            if self._transport.can_write_eof():
                self._transport.write_eof()
            self._transport.resume_reading()
            self._wait()

    def abort(self) -> None:
        """Close now, whatever the client has read."""
        self.stop()
        self._transport.abort()

    def discard(self, n_bytes: int) -> None:
        """Count bytes that were received after the answer; too many end the connection."""
        self._discarded_bytes += n_bytes
        if self._discarded_bytes > self.linger_bytes:
            self.abort()
        elif self.lingers:
            self._wait()

    def stop(self) -> None:
        """The connection is lost: nothing is waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self.stop()
        until = min(self._ends, self._loop.time() + self.idle_seconds)
        self._timer = self._loop.call_at(until, self.abort)
