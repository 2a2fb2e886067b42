"""The one error of the data room."""

from __future__ import annotations


class DataError(ValueError):
    """Data that cannot be used; the message names the file, the row and the rule."""
