"""Which paths the service answers, and what a request to each of them may contain.

Gradio and BentoML have routes that are not needed here, some of which read files or fetch
addresses. So this lists what is allowed, not what is forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class BodyKind(Enum):
    """What a request's body is, which decides how it is read and limited."""

    NONE = auto()
    PHOTOS = auto()  # of the API: a form, or JSON with base64
    JSON = auto()  # of the API
    UPLOAD = auto()  # a visitor's photos, kept as files until the page counts them
    EVENT = auto()  # of the page: the values of its widgets
    LOGIN = auto()  # a form with the key


@dataclass(frozen=True)
class Route:
    """One path, or all paths under a prefix.

    Attributes:
        name: for logs and metrics; no part of it is chosen by a client.
        method: GET (HEAD is answered like it) or POST.
        public: answered without the key where one is required.
        any_host: answered whatever the Host header says.
        limited: counts against ``service.requests_per_minute``.
        stream: the answer stays open for as long as the client listens.
    """

    name: str
    method: str = "GET"
    body: BodyKind = BodyKind.NONE
    public: bool = False
    any_host: bool = False
    limited: bool = False
    stream: bool = False


PAGE = "/"
LOGIN = "/login"
FILE = "/gradio_api/file="

_ROUTES = [
    Route("/detect", "POST", BodyKind.PHOTOS, limited=True),
    Route("/render", "POST", BodyKind.PHOTOS, limited=True),
    Route("/feedback", "POST", BodyKind.JSON, limited=True),
    Route("/model", limited=True),
    Route("/docs"),
    Route("/docs.json"),
    Route("/schema.json"),  # BentoML's client begins with it
    Route("/metrics"),
    *(Route(path, public=True, any_host=True) for path in ("/livez", "/readyz", "/healthz")),
    # The page. `/config` is for clients that hold it open over a restart of the service.
    Route(PAGE),
    Route("/config"),
    Route("/theme.css", public=True),
    Route("/favicon.ico", public=True),
    Route("/robots.txt", public=True),
    Route("/gradio_api/app_id"),
    Route("/gradio_api/upload", "POST", BodyKind.UPLOAD, limited=True),
    Route("/gradio_api/queue/join", "POST", BodyKind.EVENT, limited=True),
    Route("/gradio_api/queue/data", stream=True),
]
_LOGIN_ROUTES = {
    "GET": Route(LOGIN, public=True),
    "POST": Route(LOGIN, "POST", BodyKind.LOGIN, public=True, limited=True),
}
_EXACT = {route.name: route for route in _ROUTES}
_PREFIXES = {
    "/assets/": Route("/assets/", public=True),
    "/static/": Route("/static/", public=True),
    "/docs-viewer/": Route("/docs-viewer/"),
    "/page/": Route("/page/"),  # the page's own script and style sheet
    FILE: Route(FILE),
    "/gradio_api/heartbeat/": Route("/gradio_api/heartbeat/", stream=True),
}
NAMES = (*_EXACT, LOGIN, *_PREFIXES)


def find_route(path: str, method: str) -> Route | None:
    """The route of a path below the service's root; None where there is none."""
    if path == LOGIN:
        return _LOGIN_ROUTES.get(method, _LOGIN_ROUTES["GET"])
    exact = _EXACT.get(path if path == PAGE else path.removesuffix("/"))
    if exact is not None:
        return exact
    return next((route for start, route in _PREFIXES.items() if path.startswith(start)), None)
