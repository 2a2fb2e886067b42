"""The page's own requests: uploaded photos, events, and files to show or download."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.body import Body
from service.page_events import PageEvents
from service.page_files import PageFiles
from service.refusal import RefusalError
from service.routes import FILE
from service.settings import Settings
from service.uploads import read_form

FIELD = "files"  # Gradio's page sends photos under this name


class PageRequests:
    """Answers the page's requests, or checks them for Gradio; 503 until ``open`` was called."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self._max_bytes = int(settings.limits.max_request_mb * 1_000_000)
        self._files: PageFiles | None = None
        self._events: PageEvents | None = None
        self._public_files: frozenset[Path] = frozenset()

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

    async def store(self, content_type: str, body: Body, client: str) -> bytes:
        """Store the photos of a form; returns their paths in JSON, as the page expects them.

        Raises:
            RefusalError: see ``read_form`` and ``PageFiles.store``.
        """
        uploads = await read_form(content_type, body, self._limits.max_photos, FIELD)
        if len(uploads) > self._limits.max_photos:
            raise RefusalError(413, f"at most {self._limits.max_photos} photos at once")
        paths = await asyncio.to_thread(self._opened().store, uploads, client)
        return json.dumps([str(path) for path in paths]).encode()

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
