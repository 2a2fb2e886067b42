"""A request's body -> photos, from a form or from JSON.

BentoML would fetch a text in the place of a file from the web, name files on disk as the client
does, and answer a broken form with a 500. So forms are parsed here, and BentoML gets none: its
endpoints read the photos from ``service.request_context``.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from service.body import Body
from service.refusal import RefusalError
from sparrow.inference.tile_choice import NO_TILES, TileChoice

FIELD = "photos"
NAME_LENGTH = 255


class UploadError(RefusalError):
    """A body that cannot be understood."""


@dataclass(frozen=True)
class Upload:
    """One photo as it was sent.

    Attributes:
        name: of the file, cleaned.
        content: the file's bytes, not decoded yet.
        tiles: how small objects are looked for in it.
    """

    name: str
    content: bytes
    tiles: TileChoice = NO_TILES


async def read_uploads(content_type: str, body: Body, max_photos: int) -> list[Upload]:
    """Read the photos of a request.

    Args:
        content_type: ``multipart/form-data`` with files in the field ``photos``, or
            ``application/json`` with ``{"photos": [{"name": …, "content": base64}, …]}`` (a plain
            base64 text for a photo will do).
        body: not read yet.
        max_photos: more are refused.

    Raises:
        UploadError: another content type, no photo, or too many.
        RefusalError: see ``Body.pieces``.
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


def read_json_object(body: bytes) -> dict[str, Any]:  # Any: not checked yet
    """Parse a JSON object.

    Raises:
        UploadError: the body is something else.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UploadError(400, "the body is not valid JSON") from error
    if not isinstance(value, dict):
        raise UploadError(400, "expected a JSON object")
    return value


class _FormInMemory(MultiPartParser):
    """Keeps files in memory, within the body's limits; on disk they could be left behind."""

    # Any: the parser's own arguments, passed through.
    def __init__(self, max_bytes: int, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.spool_max_size = max_bytes + 1
        self.ended = False

    def on_end(self) -> None:
        self.ended = True


async def read_form(content_type: str, body: Body, max_files: int, field: str) -> list[Upload]:
    """Read the files of a form.

    Args:
        content_type: with the form's boundary.
        body: not read yet.
        max_files: two more are refused here; one more is returned, for the caller to refuse.
        field: the only one that the form may have.

    Raises:
        UploadError: not such a form.
        RefusalError: see ``Body.pieces``.
    """
    parser, form = await _parse_form(content_type, body, max_files)
    try:
        if not parser.ended:  # the parser does not report a file that is cut off
            raise UploadError(400, "the form cannot be read: it has no end")
        return [await _read_file(name, value, field) for name, value in form.multi_items()]
    finally:
        await form.close()


async def _parse_form(
    content_type: str, body: Body, max_files: int
) -> tuple[_FormInMemory, FormData]:
    try:
        headers = Headers({"content-type": content_type})
        parser = _FormInMemory(
            body.max_bytes, headers, body.pieces(), max_files=max_files + 1, max_fields=16
        )
        return parser, await parser.parse()
    except MultiPartException as error:
        raise UploadError(400, f"the form cannot be read: {error.message}") from error
    except (RefusalError, OSError):
        raise
    except Exception as error:  # of an invalid boundary, a header that is not text, and the like
        raise UploadError(400, "the form cannot be read") from error


async def _read_file(name: str, value: UploadFile | str, field: str) -> Upload:
    if name != field:
        raise UploadError(400, f"unknown field {name[:40]!r}; expected {field}")
    if not isinstance(value, UploadFile):
        raise UploadError(400, f"the field {field} must hold files, not text")
    content = await value.read()
    await value.close()  # one by one: the form holds all files in memory
    return Upload(clean_name(value.filename or "photo"), content)


def _from_json(body: bytes) -> list[Upload]:
    photos = read_json_object(body).get(FIELD)
    if not isinstance(photos, list):
        raise UploadError(400, f'expected {{"{FIELD}": [...]}} with one base64 text per photo')
    return [_from_json_photo(photo, position) for position, photo in enumerate(photos)]


def _from_json_photo(photo: object, position: int) -> Upload:
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
    """The last part of a path, printable characters only; never used as a file's name as it is."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(c for c in last if c.isprintable())
    return printable[:NAME_LENGTH] or "photo"
