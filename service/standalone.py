"""The page without BentoML's server; an exported Space starts it."""

from __future__ import annotations

from sparrow.telemetry import switch_off

switch_off()

import logging  # noqa: E402
import os  # noqa: E402
from dataclasses import replace  # noqa: E402

import uvicorn  # noqa: E402

from service.connections import bound_connections  # noqa: E402
from service.inference_service import InferenceService  # noqa: E402
from service.logs import set_up_logs  # noqa: E402
from service.page_requests import PageRequests  # noqa: E402
from service.request_guard import RequestGuard  # noqa: E402
from service.settings import Settings, describe_settings, read_settings  # noqa: E402
from service.web import make_web_app  # noqa: E402

PORT = 7860  # where a Space is expected to answer


def main() -> None:
    """Serve the page until it is stopped."""
    set_up_logs()
    settings = _with_space_host(read_settings())
    page = PageRequests(settings)
    inference = InferenceService(settings)
    # A Space sets the address to listen at.
    host = os.environ.get("GRADIO_SERVER_NAME", settings.limits.host)
    port = int(os.environ.get("GRADIO_SERVER_PORT", PORT))
    model = inference.counter
    entry = describe_settings(settings, model.info.name, model.version, [f"{host}:{port}"])
    logging.getLogger("sparrow.service").info("serving", extra={"entry": entry})
    try:
        uvicorn.run(
            RequestGuard(make_web_app(settings, lambda: inference, page), settings, page),
            host=host,
            port=port,
            http=bound_connections(settings.limits.max_connections),
            proxy_headers=False,
            server_header=False,
            access_log=False,
        )
    finally:
        inference.close()


def _with_space_host(settings: Settings) -> Settings:
    """Allow the host name that a Space gets from where it runs."""
    host = os.environ.get("SPACE_HOST")
    if not host:
        return settings
    hosts = (*settings.limits.allowed_hosts, host)
    limits = settings.limits.model_copy(update={"allowed_hosts": hosts})
    return replace(settings, limits=limits)
