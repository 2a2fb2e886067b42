"""A refused request: the answer's status, and a sentence for the client."""

from __future__ import annotations


class RefusalError(Exception):
    """Ends a request before an endpoint answers it."""

    def __init__(self, status: int, message: str, **headers: object) -> None:
        """``headers``: of the answer, such as ``retry_after=1``."""
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): str(value) for name, value in headers.items()}
