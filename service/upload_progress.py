"""How far a visitor's upload is, for the bar that the page shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

WAIT_SECONDS = 3.0  # for an upload to begin
LOOK_SECONDS = 0.2
MAX_UPLOADS = 1000


class UploadProgress:
    """Bytes of each file of the uploads under way, told once to whoever listens."""

    def __init__(self) -> None:
        self._new_bytes: dict[str, dict[str, int]] = {}

    def begin(self, upload_id: str) -> bool:
        """Whether this upload is followed: it has a name of its own, and there are not too many."""
        if not upload_id or upload_id in self._new_bytes or len(self._new_bytes) >= MAX_UPLOADS:
            return False
        self._new_bytes[upload_id] = {}
        return True

    def add(self, upload_id: str, file_name: str, n_bytes: int) -> None:
        """So much more of a file has come."""
        counts = self._new_bytes[upload_id]
        counts[file_name] = counts.get(file_name, 0) + n_bytes

    def end(self, upload_id: str) -> None:
        """It is there, or was given up."""
        del self._new_bytes[upload_id]

    async def events(self, upload_id: str) -> AsyncIterator[bytes]:
        """Server-sent events as Gradio's page reads them, until the upload is over."""
        waited_s = 0.0
        while upload_id not in self._new_bytes and waited_s < WAIT_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)  # the page asks before it sends
            waited_s += LOOK_SECONDS
        while upload_id in self._new_bytes:
            counts = self._new_bytes[upload_id]
            while counts:
                name, n_bytes = counts.popitem()
                yield _event({"msg": "update", "orig_name": name, "chunk_size": n_bytes})
            await asyncio.sleep(LOOK_SECONDS)
        yield _event({"msg": "done"})


def _event(message: dict[str, object]) -> bytes:
    return f"data: {json.dumps(message)}\n\n".encode()
