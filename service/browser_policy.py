"""What a browser may do with an answer of the service: the headers that say so.

Gradio writes its configuration and styles into the page, and makes functions of the texts of its
widgets, which is why inline scripts and styles are allowed, and on the page ``eval``; everything
else comes from the service itself, and nothing may be sent elsewhere. ``make test-browser`` fails
at whatever the browser refuses.
"""

from __future__ import annotations

from service.routes import FILE, PAGE

_OTHERS = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",  # photos before they are sent
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
_PAGE = {**_OTHERS, "script-src": f"{_OTHERS['script-src']} 'unsafe-eval'"}
# A visitor's file that is opened by itself: whatever it is, no script of it runs.
_FILE = {"default-src": "'none'", "sandbox": "", "frame-ancestors": "'self'"}
_OF_ALL = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]


def _header(policy: dict[str, str]) -> tuple[bytes, bytes]:
    words = "; ".join(f"{name} {value}".strip() for name, value in policy.items())
    return b"content-security-policy", words.encode()


_ELSEWHERE = [*_OF_ALL, _header(_OTHERS)]
_BY_ROUTE = {PAGE: [*_OF_ALL, _header(_PAGE)], FILE: [*_OF_ALL, _header(_FILE)]}


def browser_headers(route: str) -> list[tuple[bytes, bytes]]:
    """Headers of an answer on a route (``Route.name``; empty where there is none)."""
    return _BY_ROUTE.get(route, _ELSEWHERE)
