"""The page's own requests: uploaded photos, events, and files to show or download."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from service.body import Body
from service.page_events import PageEvents
from service.page_files import PageFiles
from service.refusal import RefusalError
from service.routes import FILE
from service.settings import Settings
from service.upload_progress import UploadProgress
from service.uploads import read_form

FIELD = "files"  # Gradio's page sends photos under this name
MAX_UPLOAD_ID_LENGTH = 64


class PageRequests:
    """Answers the page's requests, or checks them for Gradio; 503 until ``open`` was called."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self._max_bytes = int(settings.limits.max_request_mb * 1_000_000)
        self._files: PageFiles | None = None
        self._events: PageEvents | None = None
        self._public_files: frozenset[Path] = frozenset()
        self._progress = UploadProgress()

    def open_folder(self) -> None:
        """Make the folder for visitors' files; call it before Gradio builds the page."""
        self._files = PageFiles(int(self._limits.page_files_mb * 1_000_000))

    def open(self, config: Mapping[str, Any], public_files: frozenset[Path]) -> None:
        """Accept requests of this page.

        Args:
            config: of the page, as Gradio sends it to the browser (Any: its JSON).
            public_files: files beside the visitors' that the page shows.
        """
        files = self._opened()
        files.keep_present()
        self._events = PageEvents(config, files, self._limits.max_photos, self._max_bytes)
        self._public_files = public_files

    def close(self) -> None:
        """Remove the visitors' files."""
        if self._files is not None:
            self._files.close()

    def _opened(self) -> PageFiles:
        if self._files is None:
            raise RefusalError(503, "the page is not ready yet", retry_after=1)
        return self._files

    async def store(self, content_type: str, body: Body, query: bytes, client: str) -> bytes:
        """Store the photos of a form; returns their paths in JSON, as the page expects them.

        Raises:
            RefusalError: see ``read_form`` and ``PageFiles.store``.
        """
        upload_id = _from_query(query, "upload_id")[:MAX_UPLOAD_ID_LENGTH]
        followed = self._progress.begin(upload_id)
        try:
            uploads = await read_form(
                content_type,
                body,
                self._limits.max_photos,
                FIELD,
                (lambda name, size: self._progress.add(upload_id, name, size))
                if followed
                else None,
            )
        finally:
            if followed:
                self._progress.end(upload_id)
        if len(uploads) > self._limits.max_photos:
            raise RefusalError(413, f"at most {self._limits.max_photos} photos at once")
        paths = await asyncio.to_thread(self._opened().store, uploads, client)
        return json.dumps([str(path) for path in paths]).encode()

    def progress(self, query: bytes) -> AsyncIterator[bytes]:
        """Server-sent events on an upload's progress."""
        return self._progress.events(_from_query(query, "upload_id")[:MAX_UPLOAD_ID_LENGTH])

    def event(self, body: bytes) -> bytes:
        """Check an event for Gradio; see ``PageEvents.read``."""
        if self._events is None:
            raise RefusalError(503, "the page is not ready yet", retry_after=1)
        return self._events.read(body)

    def check_file(self, path: str) -> None:
        """Check that a requested ``path`` names a file of the page or of a visitor.

        Raises:
            RefusalError: 404, any other file, whether or not it exists.
        """
        named = path.removeprefix(FILE)
        if self._opened().find(named) is None and Path(named) not in self._public_files:
            raise RefusalError(404, "there is no such file here; upload the photo once more")


def _from_query(query: bytes, name: str) -> str:
    return parse_qs(query.decode("latin-1"), max_num_fields=16).get(name, [""])[0]
