"""Errors of databases in words: which store, what its database said, what to do."""

from __future__ import annotations

from sqlalchemy import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from sparrow.shipped import install_command
from sparrow.store_url import hide_in_text


class StoreError(RuntimeError):
    """A database of ours cannot be used; the message says why and what to do."""


class ServerAwayError(StoreError):
    """A database server cannot be reached, lets nobody in, or its driver is missing.

    Attributes:
        orig: what driver or server said (``reason`` gives its line).
    """

    def __init__(self, url: URL, error: Exception) -> None:
        where = url.set(query={}).render_as_string(hide_password=True)
        super().__init__(f"the database {where} cannot be read or written: {_remedy(error)}")
        self.orig = hide_in_text(reason(error))


def reason(error: BaseException) -> str:
    """An error of the database in one line, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def is_away(error: Exception) -> bool:
    """Whether an error says that the log can take nothing now; otherwise it is the record's fault.

    Only what the database says about the values themselves is the record's fault: a server that has
    become read-only, or whose tables are gone, must not make anybody throw records away.
    """
    if isinstance(error, (StoreError, OSError)):
        return True
    if not isinstance(error, DBAPIError) or isinstance(error, (IntegrityError, DataError)):
        return False
    return "binding parameter" not in str(error.orig)  # sqlite3's words for a wrong type


def _remedy(error: Exception) -> str:
    """What driver or server said, and what to do."""
    if isinstance(error, ModuleNotFoundError):
        return (
            f"this needs {error.name}, which is not installed here. It comes with the extra "
            f"'postgres': {install_command('postgres')}"
        )
    return (
        f"{hide_in_text(reason(error))}. Start the server or correct its address in the config's "
        "section stores; a password comes from PGPASSWORD, a passfile, or ${NAME} in the address"
    )
