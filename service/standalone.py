"""The page without BentoML's server: ``sparrow page`` and an exported Space start it."""

from __future__ import annotations

from sparrow.telemetry import switch_off

switch_off()

import errno  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import socket  # noqa: E402
import threading  # noqa: E402
import webbrowser  # noqa: E402
from dataclasses import replace  # noqa: E402

import uvicorn  # noqa: E402

from service.connections import bound_connections  # noqa: E402
from service.inference_service import InferenceService  # noqa: E402
from service.logs import set_up_logs  # noqa: E402
from service.page_requests import PageRequests  # noqa: E402
from service.request_guard import RequestGuard  # noqa: E402
from service.settings import Settings, SettingsError, describe_settings, read_settings  # noqa: E402
from service.web import make_web_app  # noqa: E402

PORT = 7860  # where a Space is expected to answer
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 listened at -> opened


def main() -> None:
    """Serve the page as a Space does, until it is stopped."""
    settings = _with_space_host(read_settings())
    # A Space sets the address to listen at.
    host = os.environ.get("GRADIO_SERVER_NAME", settings.limits.host)
    _serve(settings, _listen(host, int(os.environ.get("GRADIO_SERVER_PORT", PORT))))


def serve(port: int, *, opens_browser: bool) -> None:
    """Serve the page at the address of the settings, until it is stopped.

    Args:
        port: to listen at; 0 takes a free one.
        opens_browser: whether the page is shown in the browser as soon as it answers.

    Raises:
        SettingsError: something else listens at the port, or a key is required and not given.
        ConfigError, ModelFolderError, StoreError: it cannot start as configured.
    """
    settings = read_settings()
    _serve(settings, _listen(settings.limits.host, port), shown=True, opens_browser=opens_browser)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        said = f"something else listens at port {port} of {host}; name another port, such as 0"
        raise SettingsError(f"{said} for any that is free") from None


def _serve(
    settings: Settings,
    listening: socket.socket,
    *,
    shown: bool = False,
    opens_browser: bool = False,
) -> None:
    host, port = listening.getsockname()[:2]
    set_up_logs()
    page = PageRequests(settings)
    inference = InferenceService(settings)
    model = inference.counter
    entry = describe_settings(settings, model.info.name, model.version, [f"{host}:{port}"])
    logging.getLogger("sparrow.service").info("serving", extra={"entry": entry})
    if shown:  # to a person, whom a line for each request does not help
        logging.getLogger("sparrow").setLevel(logging.WARNING)
    config = uvicorn.Config(
        RequestGuard(make_web_app(settings, lambda: inference, page), settings, page),
        http=bound_connections(settings.limits.max_connections),
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning" if shown else None,
    )
    try:
        if shown:
            _show(host, port, opens_browser=opens_browser)
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        inference.close()


def _show(host: str, port: int, *, opens_browser: bool) -> None:
    """Tell the address. The socket listens already: who comes early waits for the first answer."""
    host = ANY_ADDRESS.get(host, host)
    url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    print(f"The page is at {url} (Ctrl-C ends it)", flush=True)
    if opens_browser:  # a browser that runs in the terminal must not keep the page from answering
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _with_space_host(settings: Settings) -> Settings:
    """Allow the host name that a Space gets from where it runs."""
    host = os.environ.get("SPACE_HOST")
    if not host:
        return settings
    hosts = (*settings.limits.allowed_hosts, host)
    limits = settings.limits.model_copy(update={"allowed_hosts": hosts})
    return replace(settings, limits=limits)
