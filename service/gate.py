"""The door: every request gets an id, a size limit and a log line; API calls also a key, a rate,
a place in a bounded queue, and a body that BentoML can only understand one way.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from service import metrics
from service.intake import IntakeError, as_form, read_json_object, read_uploads
from service.rate import RateLimit
from service.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PHOTO_PATHS = ("/detect", "/render")
JSON_PATHS = ("/feedback",)
GUARDED_PATHS = (*PHOTO_PATHS, *JSON_PATHS, "/model")
RETRY_AFTER_SECONDS = 1
MAX_JSON_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")

logger = logging.getLogger("sparrow.access")


@dataclass(frozen=True)
class Asked:
    """What the endpoints want to know of their request beside the photos' bytes.

    Attributes:
        names: the photos' names, as the client gave them.
        png: whether the client would rather have PNG than JPEG.
    """

    names: tuple[str, ...]
    png: bool


_asked: ContextVar[Asked] = ContextVar("asked")


def asked() -> Asked:
    """Of the request that is being answered."""
    return _asked.get()


class RefusalError(Exception):
    """A request that ends at the door."""

    def __init__(self, status: int, message: str, **headers: object) -> None:
        """``headers``: sent along, such as ``retry_after=1``."""
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): str(value) for name, value in headers.items()}


@dataclass
class _Exchange:
    """What is known of one request by its end."""

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    status: int = 500
    photos: int = 0
    received_bytes: int = 0
    answering: bool = False


class Gate:
    """ASGI middleware around the whole service, page included."""

    def __init__(self, app: App, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._max_bytes = int(settings.limits.max_request_mb * 1_000_000)
        self._inside = 0
        per_minute = settings.limits.requests_per_minute
        self._rate = RateLimit(per_minute) if per_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        given = headers.get("x-request-id", "")
        exchange = _Exchange(given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status, exchange.answering = message["status"], True
                message.setdefault("headers", []).append(
                    (b"x-request-id", exchange.request_id.encode())
                )
            await send(message)

        try:
            await self._pass(scope, receive, answer, headers, exchange)
        except RefusalError as refusal:
            if not exchange.answering:
                await _refuse(answer, refusal)
        except asyncio.CancelledError:
            exchange.status = 504  # BentoML's time limit, which answers by itself
            raise
        except Exception:
            # BentoML's time limit would wait for an answer that never comes; and no traceback
            # may leave the house.
            logger.exception("request %s failed", exchange.request_id)
            if not exchange.answering:
                await _refuse(answer, RefusalError(500, "something went wrong here; see its log"))
        finally:
            self._note(scope, exchange)

    async def _pass(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        exchange: _Exchange,
    ) -> None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            raise RefusalError(431, f"the headers are larger than {MAX_HEADER_BYTES // 1024} KiB")
        path, method = scope["path"].rstrip("/"), scope["method"]
        if path not in GUARDED_PATHS or method == "OPTIONS":
            await self._pass_counted(scope, receive, send, exchange)
            return
        expected = "GET" if path == "/model" else "POST"
        if method != expected and not (method == "HEAD" and expected == "GET"):
            raise RefusalError(405, f"use {expected} for {path}", allow=expected)
        self._check_key(headers)
        self._check_rate(scope)
        if expected == "GET":
            await self._app(scope, receive, send)
            return
        if self._inside >= self._settings.limits.max_queue:
            metrics.refused.labels("queue_full").inc()
            raise RefusalError(
                503, "the service is busy; try again shortly", retry_after=RETRY_AFTER_SECONDS
            )
        self._inside += 1
        try:
            await self._pass_in_queue(scope, receive, send, headers, exchange)
        finally:
            self._inside -= 1

    async def _pass_in_queue(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        exchange: _Exchange,
    ) -> None:
        in_json = scope["path"].rstrip("/") in JSON_PATHS
        body = await self._read_body(
            receive, MAX_JSON_BYTES if in_json else self._max_bytes, headers, exchange
        )
        content_type = headers.get("content-type", "")
        try:
            if in_json:
                content_type = _expect_json(content_type, body)
            else:
                limit = self._settings.limits.max_photos
                uploads = await read_uploads(content_type, body, limit)
                exchange.photos = len(uploads)
                names = tuple(upload.name for upload in uploads)
                _asked.set(Asked(names, png="image/png" in headers.get("accept", "")))
                content_type, body = as_form(uploads)
                del uploads
        except IntakeError as error:
            raise RefusalError(error.status, str(error)) from error
        await self._app(_with_body(scope, content_type, body), _replay(body, receive), send)

    async def _read_body(
        self, receive: Receive, max_bytes: int, headers: dict[str, str], exchange: _Exchange
    ) -> bytes:
        too_large = RefusalError(413, f"the request is larger than {max_bytes / 1e6:g} MB")
        declared = headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > max_bytes:
            raise too_large
        chunks = bytearray()
        try:
            async with asyncio.timeout(self._settings.limits.upload_timeout_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RefusalError(499, "the client went away")
                    chunks += message.get("body", b"")
                    exchange.received_bytes = len(chunks)
                    if len(chunks) > max_bytes:
                        raise too_large
                    if not message.get("more_body", False):
                        return bytes(chunks)
        except TimeoutError as error:
            raise RefusalError(408, "the request took too long to arrive") from error

    async def _pass_counted(
        self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange
    ) -> None:
        """Pages and probes: their bodies stream through and end where the limit is."""
        refused = False

        async def count() -> Message:
            nonlocal refused
            message = await receive()
            exchange.received_bytes += len(message.get("body", b""))
            if exchange.received_bytes > self._max_bytes:
                refused = True
                return {"type": "http.disconnect"}
            return message

        async def send_unless_refused(message: Message) -> None:
            if not refused or exchange.answering:
                await send(message)

        try:
            await self._app(scope, count, send_unless_refused)
        except Exception:
            if not refused:
                raise
        if refused:
            raise RefusalError(413, f"the request is larger than {self._max_bytes / 1e6:g} MB")

    def _check_key(self, headers: dict[str, str]) -> None:
        key = self._settings.api_key
        if key is None:
            return
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), key.encode()):
            metrics.refused.labels("no_key").inc()
            raise RefusalError(401, "a valid API key is required, in the header X-API-Key")

    def _check_rate(self, scope: Scope) -> None:
        if self._rate is None:
            return
        client = (scope.get("client") or ("unknown",))[0]  # a header would be free to choose
        wait_s = self._rate.wait_s(client)
        if wait_s > 0:
            metrics.refused.labels("rate").inc()
            raise RefusalError(
                429, "too many requests; see Retry-After", retry_after=max(1, math.ceil(wait_s))
            )

    def _note(self, scope: Scope, exchange: _Exchange) -> None:
        path = scope["path"]
        if path not in GUARDED_PATHS:
            return
        seconds = time.perf_counter() - exchange.started
        metrics.requests.labels(path, str(exchange.status)).inc()
        metrics.request_seconds.labels(path).observe(seconds)
        entry = {
            "request_id": exchange.request_id,
            "method": scope["method"],
            "path": path,
            "status": exchange.status,
            "photos": exchange.photos,
            "received_bytes": exchange.received_bytes,
            "milliseconds": round(seconds * 1000, 1),
        }
        logger.info("request", extra={"entry": entry})


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in scope["headers"]}


def _expect_json(content_type: str, body: bytes) -> str:
    if content_type.split(";")[0].strip().lower() != "application/json":
        raise IntakeError(415, "send application/json")
    read_json_object(body)
    return "application/json"


def _with_body(scope: Scope, content_type: str, body: bytes) -> Scope:
    replaced = (b"content-type", b"content-length", b"transfer-encoding", b"content-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in replaced]
    headers += [
        (b"content-type", content_type.encode("latin-1")),
        (b"content-length", str(len(body)).encode()),
    ]
    return {**scope, "headers": headers}


def _replay(body: bytes, receive: Receive) -> Receive:
    rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return rest.pop() if rest else await receive()

    return next_message


async def _refuse(send: Send, refusal: RefusalError) -> None:
    body = json.dumps({"error": str(refusal)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    headers += [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
    if refusal.status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is not wanted
    if refusal.status == 499:
        return  # nobody is there to read an answer
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
