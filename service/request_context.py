"""What an endpoint gets of its request beside BentoML's own arguments."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from service.uploads import Upload


@dataclass(frozen=True)
class RequestContext:
    """The parsed body of a request for photos to be counted.

    Attributes:
        uploads: the photos.
        png: whether the client prefers PNG to JPEG.
    """

    uploads: tuple[Upload, ...]
    png: bool


_context: ContextVar[RequestContext] = ContextVar("request_context")


def set_request_context(context: RequestContext) -> None:
    """Set what ``request_context`` returns in this request's task."""
    _context.set(context)


def request_context() -> RequestContext:
    """The context of the request that is being answered.

    Raises:
        LookupError: the request brought no photos.
    """
    return _context.get()
