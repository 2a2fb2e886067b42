"""One log line and the metrics of each request."""

from __future__ import annotations

import logging
import time

from service import metrics
from service.exchange import Exchange

logger = logging.getLogger("sparrow.access")


def log_request(exchange: Exchange) -> None:
    """Count and time an answered request; those under a rate limit also get a log line.

    A stream is counted, but not timed: it lasts for as long as its client listens.
    """
    route = exchange.route
    name = route.name if route else "other"
    seconds = time.perf_counter() - exchange.started
    metrics.requests.labels(name, str(exchange.status)).inc()
    if route is None or route.stream:
        return
    metrics.request_seconds.labels(name).observe(seconds)
    if not route.limited:
        return
    entry = {
        "request_id": exchange.request_id,
        "client": exchange.origin.client,
        "method": exchange.scope["method"],
        "path": name,
        "status": exchange.status,
        "photos": exchange.photos,
        "received_bytes": exchange.received_bytes,
        "milliseconds": round(seconds * 1000, 1),
    }
    logger.info("request", extra={"entry": entry})
