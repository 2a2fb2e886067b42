"""Databases on a server: how one connects to them, and turns that all their clients take."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    column,
    create_engine,
    func,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, OperationalError

from sparrow.database_errors import ServerAwayError
from sparrow.store_url import resolve

# Without them a connection to a server that vanished waits as long as the system allows: for its
# beginning, for an answer to what was sent (ms), and while nothing is sent, such as for a turn.
_LIMITS = {
    "connect_timeout": "10",
    "tcp_user_timeout": "20000",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
# The same at the server, so that a client that was cut off gives its turn away after a minute;
# whoever waits or works in its turn does so without a limit that was set for short questions.
_SETTINGS_OF_A_TURN = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
}
_SETTINGS = table("pg_settings")


def is_server(url: URL) -> bool:
    """Whether a database is on a server, and not in a file or in memory."""
    return url.get_backend_name() != "sqlite"


def server_url(url: URL) -> URL:
    """The address with Sparrow's driver of PostgreSQL and with bounds on how long one waits."""
    if url.get_backend_name() != "postgresql":
        return url
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    limits = {key: url.query.get(key, value) for key, value in _LIMITS.items()}
    return url.update_query_dict(limits)


def server_engine(url: URL, **options: Any) -> Engine:  # of create_engine, whose types differ
    """An engine for a database on a server; nothing is connected yet.

    Raises:
        ServerAwayError: its driver is missing, or there is none of that name.
    """
    try:
        return create_engine(server_url(url), **options)
    except (ImportError, ArgumentError) as error:  # NoSuchModuleError is an ArgumentError
        raise ServerAwayError(url, error) from None


def require_server(url: str) -> None:
    """Check that the database of a store answers; nothing is asked of a file or of another service.

    Raises:
        ServerAwayError: it does not, or the driver is missing.
    """
    address = _database_on_server(url)
    if address is not None:
        with _connection(address):
            pass


@contextmanager
def server_turn(url: str, name: str) -> Iterator[None]:
    """Of all processes, on all machines, that name the same turn of a PostgreSQL, one at a time.

    Whoever comes second waits. A kill lets go of the turn: the server sees the connection end.
    Another kind of database has no such turns: it is entered at once.

    Args:
        url: of the store, see ``store_url.resolve``.
        name: of the turn, within this database.

    Raises:
        ServerAwayError: the server cannot be reached, or the driver is missing.
    """
    address = _database_on_server(url)
    if address is None or address.get_backend_name() != "postgresql":
        yield
        return
    with _connection(address) as connection:
        for setting, value in _SETTINGS_OF_A_TURN.items():
            # One that an old server does not know is no row of this table, and no error.
            known = select(func.set_config(column("name"), value, False)).select_from(_SETTINGS)
            connection.execute(known.where(column("name") == setting))
        connection.execute(select(func.pg_advisory_lock(_key(name))))
        yield


def _database_on_server(url: str) -> URL | None:
    """The address of a database on a server; None for a file, a folder or a web address."""
    whole = resolve(url)
    if "://" not in whole or whole.startswith(("sqlite", "http:", "https:", "file:")):
        return None
    address = make_url(whole)
    return address if is_server(address) else None


@contextmanager
def _connection(address: URL) -> Iterator[Connection]:
    """A connection of its own, which ends with the ``with``."""
    engine = server_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise ServerAwayError(address, error) from None
    with connection:
        yield connection


def _key(name: str) -> int:
    """A signed 64-bit number, as PostgreSQL wants it; the same on every machine."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
