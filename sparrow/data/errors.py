"""The one error of the data modules, and how the operating system's errors become it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparrow.plain_text import printable


class DataError(ValueError):
    """Data that cannot be used; the message names the file, the row and the rule.

    Signs in file names that steer a terminal, and bytes that are no text, are shown as "�".
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


@contextmanager
def as_data_errors(doing: str, where: Path) -> Iterator[None]:
    """Whatever the operating system refuses in the block is a ``DataError`` that says where.

    Args:
        doing: what the block does, for the message: "cannot be taken in".
        where: the file or folder it is about, in case the system names none.

    Raises:
        DataError: in place of an ``OSError``: a full disk, no right, a file that is gone.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        named = error.filename if isinstance(error.filename, str) else None
        place = f" ({named})" if named and named != str(where) else ""
        raise DataError(f"{where}: {doing}: {reason}{place}") from error
