"""What the service shows beside BentoML's endpoints: the model, the API's description, the page."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import bentoml
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)
from starlette.applications import Starlette

from service.answers import ModelAnswer, describe_model
from service.inference_service import InferenceService
from service.openapi import describe_api
from service.page_requests import PageRequests
from service.settings import Settings


def make_web_app(
    settings: Settings, inference: Callable[[], InferenceService], page: PageRequests
) -> Starlette:
    """The application that is mounted at ``/``; it is filled when the service starts.

    ``bentoml serve`` imports the service in its supervisor too, which shows no page: Gradio's
    seconds and 120 MB are spent only in the process that answers.

    Args:
        settings: this process's.
        inference: the running service's, asked for at each request.
        page: told of the page once there is one, and closed at the end.
    """

    @asynccontextmanager
    async def fill(web: Starlette) -> AsyncIterator[None]:
        page.open_folder()
        try:
            filled = _with_page(settings, inference, page)
            web.mount("/", filled)
            async with filled.router.lifespan_context(filled):
                yield
        finally:
            page.close()

    return Starlette(lifespan=fill)


def _with_page(
    settings: Settings, inference: Callable[[], InferenceService], page: PageRequests
) -> FastAPI:
    import gradio as gr

    from service.page import EXAMPLES, STYLE, THEME, make_page

    app = FastAPI(openapi_url=None)

    @app.get("/model")
    def model() -> ModelAnswer:
        return describe_model(inference().counter)

    @app.get("/docs.json")
    def api_description() -> dict[str, Any]:
        return describe_api(settings)

    @app.get("/docs")
    def api_page() -> HTMLResponse:
        return HTMLResponse(DOCS_PAGE)

    @app.get("/metrics")
    def metrics() -> PlainTextResponse:
        return PlainTextResponse(_figures(), media_type=CONTENT_TYPE_LATEST)

    # BentoML ships Swagger's viewer, but its own page around it loads a tag manager.
    viewer = Path(bentoml.__file__).parent / "_internal" / "server" / "static_content"
    app.mount("/docs-viewer", StaticFiles(directory=viewer))
    blocks = make_page(settings, inference)
    blocks.api_open = False
    filled: FastAPI = gr.mount_gradio_app(
        app,
        blocks,
        path="",
        theme=THEME,
        css=STYLE,
        head='<link rel="icon" href="favicon.ico">',  # a browser would ask the proxy's own root
        footer_links=[],
        run_history=False,
        show_error=False,  # what went wrong stands in the log; a visitor gets our own sentences
        allowed_paths=[str(path) for path in EXAMPLES],
        max_file_size=int(settings.limits.max_request_mb * 1_000_000),
    )
    # Gradio looks whether a file may be read only in pages that it has launched itself.
    blocks.has_launched = True
    page.open(blocks.config, frozenset(EXAMPLES))
    return filled


def _figures() -> bytes:
    """Of all processes of the service, where ``bentoml serve`` has them write to one folder."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sparrow: the API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="docs-viewer/swagger-ui.css"></head>
<body><div id="viewer"></div><script src="docs-viewer/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "docs.json", dom_id: "#viewer", validatorUrl: null})</script>
</body></html>"""
