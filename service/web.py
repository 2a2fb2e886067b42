"""What the service shows beside BentoML's endpoints: the model, the API's description, the page."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import bentoml
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.applications import Starlette

from service.answers import ModelAnswer
from service.desk import Desk
from service.openapi import describe_api
from service.settings import Settings
from sparrow.model.folder import CARD


def make_web_app(settings: Settings, desk: Callable[[], Desk]) -> Starlette:
    """The application that is mounted at ``/``; it is filled when the service starts.

    ``bentoml serve`` imports the service in its supervisor too, which shows no page: Gradio's
    seconds and 120 MB are spent only in the process that answers.

    Args:
        settings: this process's.
        desk: the running service's, asked for at each request.
    """

    @asynccontextmanager
    async def fill(web: Starlette) -> AsyncIterator[None]:
        filled = _with_page(settings, desk)
        web.mount("/", filled)
        async with filled.router.lifespan_context(filled):
            yield

    return Starlette(lifespan=fill)


def _with_page(settings: Settings, desk: Callable[[], Desk]) -> FastAPI:
    import gradio as gr

    from service.page import STYLE, THEME, make_page

    app = FastAPI(openapi_url=None)

    @app.get("/model")
    def model() -> ModelAnswer:
        return describe_model(desk())

    @app.get("/docs.json")
    def api_description() -> dict[str, Any]:
        return describe_api(settings)

    @app.get("/docs")
    def api_page() -> HTMLResponse:
        return HTMLResponse(DOCS_PAGE)

    # BentoML ships Swagger's viewer, but its own page around it loads a tag manager.
    viewer = Path(bentoml.__file__).parent / "_internal" / "server" / "static_content"
    app.mount("/docs-viewer", StaticFiles(directory=viewer))
    filled: FastAPI = gr.mount_gradio_app(
        app,
        make_page(settings, desk),
        path="",
        theme=THEME,
        css=STYLE,
        footer_links=[],
        run_history=False,
        allowed_paths=[str(Path(__file__).parent / "examples")],
        max_file_size=int(settings.limits.max_request_mb * 1_000_000),
        auth=_key_check(settings.api_key) if settings.api_key else None,
        auth_message="Enter any name, and the API key as the password.",
    )
    return filled


DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sparrow: the API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="docs-viewer/swagger-ui.css"></head>
<body><div id="viewer"></div><script src="docs-viewer/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "docs.json", dom_id: "#viewer", validatorUrl: null})</script>
</body></html>"""


def _key_check(key: str) -> Callable[[str, str], bool]:
    return lambda _name, password: hmac.compare_digest(password.encode(), key.encode())


def describe_model(desk: Desk) -> ModelAnswer:
    """The model that counts the next photo."""
    counter = desk.counter
    info = counter.info
    card = counter.folder / CARD
    return ModelAnswer(
        name=info.name,
        version=counter.version,
        architecture=info.architecture,
        class_names=list(info.class_names),
        threshold=info.threshold,
        data_version=info.data_version,
        trained_at=info.trained_at,
        counts_with_interval=info.count_model is not None,
        card=card.read_text(encoding="utf-8") if card.is_file() else None,
    )
