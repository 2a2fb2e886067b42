"""A request that the service turns away: its status, and a sentence for whoever sent it."""

from __future__ import annotations


class RefusalError(Exception):
    """Ends a request before it is answered by an endpoint."""

    def __init__(self, status: int, message: str, **headers: object) -> None:
        """``headers``: sent along, such as ``retry_after=1``."""
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): str(value) for name, value in headers.items()}
