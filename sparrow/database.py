"""Opening the databases whose tables are ours: connections, and tables brought up to date.

Prediction log and promotion log have one history of changes, ``sparrow.migrations``, run by
Alembic. Every database of ours gets all of it, wherever the logs are: in two SQLite files, in one
PostgreSQL database, or beside the tables of MLflow and Optuna, which have version tables of their
own. Alembic is imported only where there is something to change.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, make_url
from sqlalchemy.exc import OperationalError

from sparrow.database_errors import ServerAwayError, StoreError
from sparrow.database_server import is_server, server_engine
from sparrow.store_url import resolve

HEAD = "0006"  # the newest revision in ``sparrow.migrations``
VERSION_TABLE = "sparrow_version"
LOCK_WAIT_S = 20.0  # for another process's transaction; a batch of photos takes milliseconds
_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_WAIT_MS = 60_000  # for another process that is migrating, however short the usual wait
_ADVISORY_LOCK = 7_362_170_041  # of PostgreSQL: any number that nobody else takes


def open_database(url: str, *, read_only: bool = False, lock_wait_s: float = LOCK_WAIT_S) -> Engine:
    """Connect, and bring the tables up to date.

    Args:
        url: SQLAlchemy URL, see ``store_url.resolve``; for SQLite its folder is made. ``?timeout=``
            overrides ``lock_wait_s``.
        read_only: change nothing: no file, no table. An SQLite file may be where nothing can be
            written.
        lock_wait_s: how long SQLite waits for another process's lock, in seconds.

    Raises:
        StoreError: the tables were made by a newer release.
        ServerAwayError: it is on a server that cannot be reached, or whose driver is missing.
        SQLAlchemyError: an SQLite file cannot be read or written.
    """
    parsed = make_url(resolve(url))
    engine = _make_engine(parsed, sqlite_path(url), read_only, lock_wait_s)
    try:
        if read_only:
            _check_readable(engine, parsed)
        else:
            upgrade(engine)
    except BaseException as error:
        engine.dispose()
        if isinstance(error, OperationalError) and is_server(parsed):
            raise ServerAwayError(parsed, error) from None
        raise
    return engine


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite URL; None for a server or a database in memory."""
    parsed = make_url(resolve(url))
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


def upgrade(engine: Engine) -> None:
    """Run the migrations that a database lacks: all or none; of two processes at once, one does.

    Raises:
        StoreError: the tables were made by a newer release.
    """
    with engine.connect() as connection:
        if revision(connection) == HEAD:
            return
    known = _script_revisions()  # imports Alembic, while nobody has to wait
    with _exclusive(engine) as connection:
        current = revision(connection)
        if current not in (None, HEAD):
            _refuse_newer(str(current), known, engine.url)
        if current != HEAD:
            _migrate(connection)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:  # a large upgrade leaves a large file beside the log
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def revision(connection: Connection) -> str | None:
    """The revision of a database's tables; None where no release with migrations opened it yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    # A constant of this module.
    query = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608
    current = connection.exec_driver_sql(query).scalar()
    return None if current is None else str(current)


def _make_engine(parsed: URL, path: Path | None, read_only: bool, lock_wait_s: float) -> Engine:
    if is_server(parsed):
        if parsed.get_backend_name() != "postgresql":
            raise StoreError(
                "the logs of predictions and promotions are kept in SQLite or PostgreSQL, found "
                f"{parsed.render_as_string(hide_password=True)}"
            )
        return server_engine(parsed, pool_pre_ping=True)
    wait_s = float(str(parsed.query.get("timeout", lock_wait_s)))
    if path is not None and read_only:
        return create_engine(
            "sqlite://", creator=lambda: _connect_read_only(path, wait_s), poolclass=NullPool
        )
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        parsed = parsed.update_query_dict({"timeout": str(wait_s)})
    engine = create_engine(parsed, pool_pre_ping=True)
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers never wait for the writer
    cursor.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing it committed
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _connect_read_only(path: Path, wait_s: float) -> sqlite3.Connection:
    """A connection that writes nothing, also where the file system allows no writing.

    There SQLite cannot make the small files beside a database in WAL mode, and needs the
    promise that nobody changes it.
    """
    if not path.is_file():
        raise StoreError(f"there is no database at {path}")
    address = f"file:{quote(os.path.abspath(path))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=wait_s, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        if "unable to open" not in str(error) and "readonly" not in str(error):
            raise
    unmerged = Path(f"{path}-wal")
    if unmerged.exists() and unmerged.stat().st_size:
        raise StoreError(
            f"{path} can only be read where it is, and its newest rows are still in "
            f"{unmerged.name}, which SQLite cannot read there. Copy both files to a folder that "
            "can be written, and read the copy"
        )
    return sqlite3.connect(
        f"{address}&immutable=1", uri=True, timeout=wait_s, check_same_thread=False
    )


def _check_readable(engine: Engine, url: URL) -> None:
    with engine.connect() as connection:
        current = revision(connection)
    if current not in (None, HEAD):
        _refuse_newer(current, _script_revisions(), url)


@contextmanager
def _exclusive(engine: Engine) -> Iterator[Connection]:
    """A transaction during which no other process migrates."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {_MIGRATION_WAIT_MS}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {usual}")
        elif engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        yield connection
        connection.commit()


def _migrate(connection: Connection) -> None:
    from alembic import command

    config = _alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _alembic_config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _script_revisions() -> set[str]:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_alembic_config())
    return {script.revision for script in scripts.walk_revisions()}


def _refuse_newer(current: str, known: set[str], url: URL) -> None:
    if current not in known:
        where = url.render_as_string(hide_password=True)
        raise StoreError(
            f"the database {where} was made by a newer release of Sparrow: its tables have "
            f"revision {current}, this release knows revisions up to {HEAD}. Use that release, or "
            "name another database in the config's section stores"
        )
