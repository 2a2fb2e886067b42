"""The routes beside BentoML's endpoints: the model, the API's description, metrics, the page."""

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
from sparrow.reports.templates import render


def make_web_app(
    settings: Settings, inference: Callable[[], InferenceService], page: PageRequests
) -> Starlette:
    """The application that is mounted at ``/``; its routes are added when the service starts.

    ``bentoml serve`` also imports the service in its supervisor, which shows no page: the seconds
    and 120 MB of Gradio are spent only in the process that answers.

    Args:
        settings: this process's.
        inference: returns the running service; called at each request.
        page: opened with the page's description, and closed when the service stops.
    """

    @asynccontextmanager
    async def lifespan(web: Starlette) -> AsyncIterator[None]:
        page.open_folder()
        try:
            app = _mount_page(_api_routes(settings, inference), settings, inference, page)
            web.mount("/", app)
            async with app.router.lifespan_context(app):
                yield
        finally:
            page.close()

    return Starlette(lifespan=lifespan)


def _api_routes(settings: Settings, inference: Callable[[], InferenceService]) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get("/model")
    def model() -> ModelAnswer:
        return describe_model(inference().counter, settings.tiles)

    @app.get("/docs.json")
    def api_description() -> dict[str, Any]:  # Any: OpenAPI's JSON
        return describe_api(settings)

    @app.get("/docs")
    def api_page() -> HTMLResponse:
        return HTMLResponse(render("api_docs.html"))

    @app.get("/metrics")
    def metrics() -> PlainTextResponse:
        return PlainTextResponse(_metrics_text(), media_type=CONTENT_TYPE_LATEST)

    # BentoML ships Swagger's viewer, but its own page around it loads a tag manager.
    viewer = Path(bentoml.__file__).parent / "_internal" / "server" / "static_content"
    app.mount("/docs-viewer", StaticFiles(directory=viewer))
    return app


def _mount_page(
    app: FastAPI, settings: Settings, inference: Callable[[], InferenceService], page: PageRequests
) -> FastAPI:
    import gradio as gr

    from service.page import BROWSER, HEAD, make_page
    from service.page_start import EXAMPLES
    from service.page_style import STYLE, THEME

    app.mount("/page", StaticFiles(directory=BROWSER))
    blocks = make_page(settings, inference)
    blocks.api_open = False
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        blocks,
        path="",
        theme=THEME,
        css=STYLE,
        head=HEAD,
        footer_links=[],
        run_history=False,
        show_error=False,  # errors are in the log; a visitor gets our own sentences
        allowed_paths=[str(path) for path in EXAMPLES],
    )
    # Gradio checks whether a file may be read only in pages that it has launched itself.
    blocks.has_launched = True
    page.open(blocks.config, frozenset(EXAMPLES))
    return mounted


def _metrics_text() -> bytes:
    """Of all processes of the service, where ``bentoml serve`` has them write to one folder."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)
