"""The progress of visitors' uploads, for the page's progress bar."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

WAIT_SECONDS = 3.0  # for an upload to begin
POLL_SECONDS = 0.2
MAX_UPLOADS = 1000


class UploadProgress:
    """Bytes received of each file since they were last reported, for each running upload."""

    def __init__(self) -> None:
        self._new_bytes: dict[str, dict[str, int]] = {}

    def begin(self, upload_id: str) -> bool:
        """Start an upload; False where its name is empty or taken, or there are too many."""
        if not upload_id or upload_id in self._new_bytes or len(self._new_bytes) >= MAX_UPLOADS:
            return False
        self._new_bytes[upload_id] = {}
        return True

    def add(self, upload_id: str, file_name: str, n_bytes: int) -> None:
        """Count bytes of a file that were received."""
        counts = self._new_bytes[upload_id]
        counts[file_name] = counts.get(file_name, 0) + n_bytes

    def end(self, upload_id: str) -> None:
        """Forget an upload that is complete or failed."""
        del self._new_bytes[upload_id]

    async def events(self, upload_id: str) -> AsyncIterator[bytes]:
        """Server-sent events in Gradio's format, until the upload ends."""
        waited_s = 0.0
        while upload_id not in self._new_bytes and waited_s < WAIT_SECONDS:
            await asyncio.sleep(POLL_SECONDS)  # the page asks for progress before it sends
            waited_s += POLL_SECONDS
        while upload_id in self._new_bytes:
            counts = self._new_bytes[upload_id]
            while counts:
                name, n_bytes = counts.popitem()
                yield _event({"msg": "update", "orig_name": name, "chunk_size": n_bytes})
            await asyncio.sleep(POLL_SECONDS)
        yield _event({"msg": "done"})


def _event(message: dict[str, object]) -> bytes:
    return f"data: {json.dumps(message)}\n\n".encode()
