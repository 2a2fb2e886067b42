"""Attacks with answers that never end: the page's streams, held open in hundreds."""

from __future__ import annotations

import socket
import time
from collections import Counter
from contextlib import ExitStack

from attacked import Attacked
from page_attacks import after_effects
from upload_attacks import own_cookies
from visitor import API, Visitor

STREAMS = 200
SECONDS = 60.0
SHARE = 0.05  # of one core
KINDS = (
    f"{API}/heartbeat/attack{{i}}",
    f"{API}/queue/data?session_hash=attack{{i}}",
    f"{API}/upload_progress?upload_id=attack{{i}}",
    f"{API}/dev/reload",
    f"{API}/startup-events",
)


def idle_streams(service: Attacked, count: int = STREAMS, seconds: float = SECONDS) -> list[str]:
    """200 streams that nobody reads, for a minute: they cost next to nothing, others get in."""
    with Visitor(service) as visitor:
        cookie = own_cookies(visitor)
    descriptors = service.descriptors()
    troubles = []
    with ExitStack() as held:
        streams = [held.enter_context(_open(service, cookie, i)) for i in range(count)]
        time.sleep(5)  # opening them is not idling
        before, started = service.processor_s(), time.monotonic()
        time.sleep(seconds)
        spent_s, lasted_s = service.processor_s() - before, time.monotonic() - started
        statuses = Counter(_status(stream) for stream in streams)
        share = spent_s / lasted_s
        print(f"{count} idle streams: {share:.1%} of a core in {lasted_s:.0f} s, {dict(statuses)}")
        if share > SHARE:
            troubles.append(f"{count} idle streams: {share:.1%} of a core")
        if trouble := service.counts():
            troubles.append(f"with {count} idle streams open: {trouble}")
    time.sleep(3)
    if service.descriptors() > descriptors + 5:
        troubles.append(f"{service.descriptors() - descriptors} descriptors left by idle streams")
    return troubles + after_effects(service)


def _open(service: Attacked, cookie: str, i: int) -> socket.socket:
    path = KINDS[i % len(KINDS)].format(i=i)
    key = f"X-API-Key: {service.key}\r\n" if service.key else ""
    stream = socket.create_connection(("127.0.0.1", service.port), timeout=10)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n{key}Cookie: {cookie}\r\n\r\n"
    stream.sendall(head.encode())
    return stream


def _status(stream: socket.socket) -> str:
    stream.settimeout(0.01)
    try:
        return stream.recv(32)[9:12].decode() or "closed"
    except TimeoutError:
        return "silent"
    except OSError:
        return "closed"
