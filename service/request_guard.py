"""Checks of every request to API and page: host, key, rate, queue, size and time.

Only the routes of ``service.routes`` exist. A body is read here, within its limits, and passed on
as JSON, which BentoML and Gradio cannot misread.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import uuid
from collections.abc import Awaitable, Callable

from service import metrics
from service.access import Access
from service.access_log import log_request
from service.body import RETRY_AFTER_SECONDS, Body, BodyBudget, BodyLimits, Message, Receive
from service.browser_policy import browser_headers
from service.exchange import MAX_JSON_BYTES, Exchange, Send, replay, without_body
from service.login import MAX_BYTES as MAX_LOGIN_BYTES
from service.login import ask_for_key, log_in, show_login
from service.page_requests import PageRequests
from service.proxies import Origin, Proxies, Scope, external_scope, is_known_host, local_path
from service.rate import RateLimit
from service.refusal import RefusalError
from service.request_context import RequestContext, set_request_context
from service.routes import FILE, LOGIN, PAGE, BodyKind, Route, find_route
from service.settings import Settings
from service.streams import Streams
from service.uploads import read_json_object, read_uploads

App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_HEADER_BYTES = 64 * 1024
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")

logger = logging.getLogger("sparrow.access")


class RequestGuard:
    """ASGI middleware around the whole service, page included."""

    def __init__(self, app: App, settings: Settings, page: PageRequests) -> None:
        """``app``: answers what passes the checks; ``page``: what the page itself sends."""
        self._app = app
        self._page = page
        limits = self._limits = settings.limits
        self._max_bytes = int(limits.max_request_mb * 1_000_000)
        self._hosts = (*limits.allowed_hosts, limits.host)
        self._proxies = Proxies(limits.trusted_proxies, limits.root_path)
        key = settings.api_key
        self._access = Access(key, limits.logins_per_minute) if key else None
        self._rate = RateLimit(limits.requests_per_minute) if limits.requests_per_minute else None
        self._budget = BodyBudget(int((limits.max_waiting_mb or 4 * limits.max_request_mb) * 1e6))
        self._queued = 0
        self._streams = Streams(limits.max_streams)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it is accepted: a 403
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = self._begin(scope, receive, send)
        try:
            await self._handle(exchange)
        except RefusalError as refusal:
            await exchange.refuse(refusal)
        except asyncio.CancelledError:
            exchange.status = 504  # BentoML's time limit, which sends its own answer
            raise
        except Exception:
            # Without an answer BentoML would wait until its time limit; a traceback must not reach
            # a client.
            logger.exception("request %s failed", exchange.request_id)
            await exchange.refuse(RefusalError(500, "something went wrong here; see its log"))
        finally:
            log_request(exchange)

    def _begin(self, scope: Scope, receive: Receive, send: Send) -> Exchange:
        headers = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in scope["headers"]}
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                name = exchange.route.name if exchange.route else ""
                more = [(b"x-request-id", request_id.encode()), *browser_headers(name)]
                message["headers"] = [*message.get("headers", []), *more]
            await send(message)

        origin = self._proxies.origin(scope)
        exchange = Exchange(scope, receive, send_with_id, headers, origin, request_id)
        return exchange

    async def _handle(self, exchange: Exchange) -> None:
        scope, origin = exchange.scope, exchange.origin
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            raise RefusalError(431, f"the headers are larger than {MAX_HEADER_BYTES // 1024} KiB")
        path = local_path(scope, origin.root_path)
        route = exchange.route = find_route(path, scope["method"])
        if not (route and route.any_host) and not is_known_host(origin.host, self._hosts):
            raise RefusalError(
                421,
                f"this service does not answer for the host {origin.host[:100]!r}; "
                "service.allowed_hosts names those it answers for",
            )
        if route is None:
            raise RefusalError(404, "there is nothing under this path; see /docs")
        if scope["method"] != route.method and (scope["method"], route.method) != ("HEAD", "GET"):
            raise RefusalError(405, f"use {route.method} for {route.name}", allow=route.method)
        if route.limited:
            self._check_rate(origin)
        if self._access and not route.public and not self._access.allows(exchange.headers, origin):
            await ask_for_key(exchange)
            return
        if path != PAGE:
            path = path.removesuffix("/")
        exchange.scope = external_scope(scope, origin, path)
        if route.body is BodyKind.NONE:
            await self._forward_without_body(route, path, exchange)
        else:
            await self._read_body(route, exchange)

    async def _forward_without_body(self, route: Route, path: str, exchange: Exchange) -> None:
        exchange.receive = without_body(exchange.receive)
        if route.name == LOGIN:
            await show_login(exchange)
            return
        if route.stream:
            await self._stream(exchange)
            return
        if route.name == FILE:
            self._page.check_file(path)
        elif route.name in (PAGE, "/config"):
            exchange.scope["query_string"] = b""  # Gradio would read a file that is named there
        await self._forward(exchange)

    async def _forward(self, exchange: Exchange) -> None:
        await self._app(exchange.scope, exchange.receive, exchange.send)

    async def _stream(self, exchange: Exchange) -> None:
        with self._streams.opened(exchange.origin.client_network):
            await self._forward(exchange)

    async def _read_body(self, route: Route, exchange: Exchange) -> None:
        """Read a body within the limits, and release its memory after the answer."""
        self._check_queue()
        max_bytes = {
            BodyKind.PHOTOS: self._max_bytes,
            BodyKind.UPLOAD: self._max_bytes,
            BodyKind.LOGIN: MAX_LOGIN_BYTES,
        }.get(route.body, MAX_JSON_BYTES)
        declared = exchange.headers.get("content-length", "")
        body = Body(
            exchange.receive,
            exchange.origin.client_network,
            BodyLimits(max_bytes, self._limits.upload_timeout_s, self._budget),
            declared_bytes=int(declared) if declared.isdigit() else None,
        )
        try:
            await self._forward_body(route, body, exchange)
        finally:
            exchange.received_bytes = body.received_bytes
            body.close()

    async def _forward_body(self, route: Route, body: Body, exchange: Exchange) -> None:
        content_type = exchange.headers.get("content-type", "")
        if route.body is BodyKind.PHOTOS:
            uploads = await read_uploads(content_type, body, self._limits.max_photos)
            exchange.photos = len(uploads)
            wants_png = "image/png" in exchange.headers.get("accept", "")
            set_request_context(RequestContext(tuple(uploads), wants_png))
            await self._forward_json(b"{}", exchange)
        elif route.body is BodyKind.UPLOAD:
            client = exchange.origin.client_network
            stored = await self._page.store(content_type, body, client)
            await exchange.answer(200, stored)
        elif route.body is BodyKind.LOGIN:
            await log_in(self._access, await body.whole(), exchange)
        else:
            content = await body.whole()
            if content_type.split(";")[0].strip().lower() != "application/json":
                raise RefusalError(415, "send application/json")
            read_json_object(content)
            if route.body is BodyKind.EVENT:
                content = self._page.event(content)
            await self._forward_json(content, exchange)

    def _check_queue(self) -> None:
        if self._queued >= self._limits.max_queue:
            metrics.refused.labels("queue_full").inc()
            raise RefusalError(
                503, "the service is busy; try again shortly", retry_after=RETRY_AFTER_SECONDS
            )

    async def _forward_json(self, content: bytes, exchange: Exchange) -> None:
        replaced = (b"content-type", b"content-length", b"transfer-encoding", b"content-encoding")
        headers = [(n, v) for n, v in exchange.scope["headers"] if n.lower() not in replaced]
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", str(len(content)).encode()))
        exchange.scope["headers"] = headers
        exchange.receive = replay(content, exchange.receive)
        self._check_queue()  # again: others may have been queued while this body was read
        self._queued += 1
        try:
            await self._forward(exchange)
        finally:
            self._queued -= 1

    def _check_rate(self, origin: Origin) -> None:
        wait_s = self._rate.wait_s(origin.client_network) if self._rate else 0
        if wait_s > 0:
            metrics.refused.labels("rate").inc()
            raise RefusalError(
                429, "too many requests; see Retry-After", retry_after=max(1, math.ceil(wait_s))
            )
