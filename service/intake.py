"""A request's body -> photos, whatever shape it came in; and back into the one shape BentoML gets.

BentoML would fetch a text field that stands where a file belongs from the web, name files on disk
as the client did, and answer a broken form with a 500. So forms are taken apart here first.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

logger = logging.getLogger("sparrow.service")

FIELD = "photos"
BOUNDARY = "sparrow-photo-boundary-5f1c2a9be07d4c63"
NAME_LENGTH = 255


class IntakeError(ValueError):
    """A request that cannot be understood: its HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Upload:
    """One photo as it was sent."""

    name: str
    content: bytes


async def read_uploads(content_type: str, body: bytes, max_photos: int) -> list[Upload]:
    """Photos of a request.

    Args:
        content_type: ``multipart/form-data`` with files in the field ``photos``, or
            ``application/json`` with ``{"photos": [{"name": …, "content": base64}, …]}`` (a plain
            base64 text for a photo will do).
        body: the whole body.
        max_photos: more are refused.

    Raises:
        IntakeError: not such a request, no photo, or too many.
    """
    kind = content_type.split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        uploads = await _from_form(content_type, body, max_photos)
    elif kind == "application/json":
        uploads = _from_json(body)
    else:
        raise IntakeError(
            415, "send photos as multipart/form-data (field photos) or as JSON with base64"
        )
    if not uploads:
        raise IntakeError(400, f"there is no photo in the request; expected the field {FIELD}")
    if len(uploads) > max_photos:
        raise IntakeError(
            400, f"{len(uploads)} photos in one request; at most {max_photos} are accepted"
        )
    return uploads


def as_form(uploads: Sequence[Upload]) -> tuple[str, bytes]:
    """(content type, body) of a form that holds the photos, named by their position alone."""
    parts = []
    for position, upload in enumerate(uploads):
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{FIELD}"; '
            f'filename="{position}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        parts += [head.encode(), upload.content, b"\r\n"]
    return f"multipart/form-data; boundary={BOUNDARY}", b"".join(
        [*parts, f"--{BOUNDARY}--\r\n".encode()]
    )


def read_json_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        IntakeError: it is none.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise IntakeError(400, "the body is not valid JSON") from error
    if not isinstance(value, dict):
        raise IntakeError(400, "expected a JSON object")
    return value


async def _from_form(content_type: str, body: bytes, max_photos: int) -> list[Upload]:
    async def stream() -> Any:
        yield body

    headers = Headers({"content-type": content_type})
    try:
        parser = MultiPartParser(headers, stream(), max_files=max_photos + 1, max_fields=16)
        form = await parser.parse()
    except MultiPartException as error:
        raise IntakeError(400, f"the form cannot be read: {error.message}") from error
    except OSError as error:  # a large form lies in the system's temporary folder meanwhile
        logger.error("the folder for uploads, %s, takes nothing: %s", tempfile.gettempdir(), error)
        raise IntakeError(503, "the service has no room for uploads; try again later") from error
    except Exception as error:  # a boundary that is none, a header that is not text, and the like
        raise IntakeError(400, "the form cannot be read") from error
    uploads = []
    try:
        for field, value in form.multi_items():
            if field != FIELD:
                raise IntakeError(400, f"unknown field {field[:40]!r}; expected {FIELD}")
            if not isinstance(value, UploadFile):
                raise IntakeError(400, f"the field {FIELD} must hold files, not text")
            uploads.append(Upload(_clean(value.filename or "photo"), await value.read()))
    finally:
        await form.close()
    return uploads


def _from_json(body: bytes) -> list[Upload]:
    photos = read_json_object(body).get(FIELD)
    if not isinstance(photos, list):
        raise IntakeError(400, f'expected {{"{FIELD}": [...]}} with one base64 text per photo')
    return [_from_json_photo(photo, position) for position, photo in enumerate(photos)]


def _from_json_photo(photo: Any, position: int) -> Upload:
    name = f"photo-{position + 1}"
    if isinstance(photo, dict):
        name, photo = photo.get("name", name), photo.get("content")
    if not isinstance(photo, str) or not isinstance(name, str):
        raise IntakeError(400, f"photo {position + 1}: expected base64 text, or name and content")
    try:
        return Upload(_clean(name), base64.b64decode(photo, validate=True))
    except (binascii.Error, ValueError) as error:
        raise IntakeError(400, f"photo {position + 1} is not base64") from error


def _clean(name: str) -> str:
    """Only the last part of a path, and only what can be printed; it never names a file on disk."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(c for c in last if c.isprintable())
    return printable[:NAME_LENGTH] or "photo"
