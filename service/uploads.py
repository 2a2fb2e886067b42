"""A request's body -> photos, whatever shape it came in.

BentoML would fetch a text field that stands where a file belongs from the web, name files on disk
as the client did, and answer a broken form with a 500. So forms are taken apart here, and BentoML
is handed none: its endpoints find the photos at ``service.request_guard.asked``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from service.body import Body
from service.refusal import RefusalError

FIELD = "photos"
NAME_LENGTH = 255

OnPiece = Callable[[str, int], None]


class UploadError(RefusalError):
    """A request that cannot be understood: its HTTP status and a sentence."""


@dataclass(frozen=True)
class Upload:
    """One photo as it was sent."""

    name: str
    content: bytes


async def read_uploads(content_type: str, body: Body, max_photos: int) -> list[Upload]:
    """Photos of a request.

    Args:
        content_type: ``multipart/form-data`` with files in the field ``photos``, or
            ``application/json`` with ``{"photos": [{"name": …, "content": base64}, …]}`` (a plain
            base64 text for a photo will do).
        body: what follows.
        max_photos: more are refused.

    Raises:
        UploadError: not such a request, no photo, or too many.
        RefusalError: the body is too large, too slow, or ends early.
    """
    kind = content_type.split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        uploads = await read_form(content_type, body, max_photos, FIELD)
    elif kind == "application/json":
        uploads = _from_json(await body.whole())
    else:
        raise UploadError(
            415, "send photos as multipart/form-data (field photos) or as JSON with base64"
        )
    if not uploads:
        raise UploadError(400, f"there is no photo in the request; expected the field {FIELD}")
    if len(uploads) > max_photos:
        raise UploadError(
            400, f"{len(uploads)} photos in one request; at most {max_photos} are accepted"
        )
    return uploads


def read_json_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        UploadError: it is none.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UploadError(400, "the body is not valid JSON") from error
    if not isinstance(value, dict):
        raise UploadError(400, "expected a JSON object")
    return value


class _FormInMemory(MultiPartParser):
    """Files stay in memory, which the body's limits bound; on disk they could be left behind."""

    def __init__(self, on_piece: OnPiece | None, max_bytes: int, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.spool_max_size = max_bytes + 1
        self._on_piece = on_piece
        self.ended = False

    def on_end(self) -> None:
        self.ended = True

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        super().on_part_data(data, start, end)
        if self._on_piece is not None and self._current_part.file is not None:
            self._on_piece(self._current_part.file.filename or "", end - start)


async def read_form(
    content_type: str, body: Body, max_files: int, field: str, on_piece: OnPiece | None = None
) -> list[Upload]:
    """The files of a form.

    Args:
        content_type: with its boundary.
        body: what follows.
        max_files: with more than one above it the form is refused; that one is for the caller.
        field: the only one there may be.
        on_piece: called with a file's name and how many more bytes of it are there.

    Raises:
        UploadError: not such a form.
        RefusalError: the body is too large, too slow, or ends early.
    """
    try:
        headers = Headers({"content-type": content_type})
        parser = _FormInMemory(
            on_piece, body.max_bytes, headers, body.pieces(), max_files=max_files + 1, max_fields=16
        )
        form = await parser.parse()
    except MultiPartException as error:
        raise UploadError(400, f"the form cannot be read: {error.message}") from error
    except (RefusalError, OSError):
        raise
    except Exception as error:  # a boundary that is none, a header that is not text, and the like
        raise UploadError(400, "the form cannot be read") from error
    uploads = []
    try:
        if not parser.ended:  # the parser is silent about a file that is cut off
            raise UploadError(400, "the form cannot be read: it has no end")
        for name, value in form.multi_items():
            if name != field:
                raise UploadError(400, f"unknown field {name[:40]!r}; expected {field}")
            if not isinstance(value, UploadFile):
                raise UploadError(400, f"the field {field} must hold files, not text")
            uploads.append(Upload(clean_name(value.filename or "photo"), await value.read()))
            await value.close()
    finally:
        await form.close()
    return uploads


def _from_json(body: bytes) -> list[Upload]:
    photos = read_json_object(body).get(FIELD)
    if not isinstance(photos, list):
        raise UploadError(400, f'expected {{"{FIELD}": [...]}} with one base64 text per photo')
    return [_from_json_photo(photo, position) for position, photo in enumerate(photos)]


def _from_json_photo(photo: Any, position: int) -> Upload:
    name = f"photo-{position + 1}"
    if isinstance(photo, dict):
        name, photo = photo.get("name", name), photo.get("content")
    if not isinstance(photo, str) or not isinstance(name, str):
        raise UploadError(400, f"photo {position + 1}: expected base64 text, or name and content")
    try:
        return Upload(clean_name(name), base64.b64decode(photo, validate=True))
    except (binascii.Error, ValueError) as error:
        raise UploadError(400, f"photo {position + 1} is not base64") from error


def clean_name(name: str) -> str:
    """Only the last part of a path, and only what can be printed; it never names a file on disk."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(c for c in last if c.isprintable())
    return printable[:NAME_LENGTH] or "photo"
