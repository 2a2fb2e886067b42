"""The database of Optuna's studies: opened with heartbeats, refused where it is damaged."""

from __future__ import annotations

import contextlib
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from sqlalchemy import NullPool, make_url

from sparrow.database_server import is_server, require_server, server_turn, server_url
from sparrow.store_url import resolve

HEARTBEAT_S = 20
STALE_AFTER_S = 60


class StudyError(RuntimeError):
    """The store of studies cannot be used; the message says what to do."""


def open_storage(url: str) -> RDBStorage:
    """The store of studies at ``url``; a trial whose worker died is put in line again, twice.

    The first one makes the tables: call it inside ``study_lock``.

    Raises:
        StudyError: the SQLite file is damaged or cannot be read.
        ServerAwayError: the server cannot be reached, or its driver is missing.
    """
    url = resolve(url)
    if url.startswith("sqlite:///"):
        _check_file(Path(url.removeprefix("sqlite:///")))
    options: dict[str, Any] = {"connect_args": {"timeout": 60}}
    if is_server(make_url(url)):
        require_server(url)
        url = server_url(make_url(url)).render_as_string(hide_password=False)
        # A worker that trains for minutes holds no connection, and finds none broken afterwards.
        options = {"poolclass": NullPool}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RDBStorage(
            url,
            engine_kwargs=options,
            heartbeat_interval=HEARTBEAT_S,
            grace_period=STALE_AFTER_S,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=2),
        )


@contextlib.contextmanager
def study_lock(url: str) -> Iterator[None]:
    """One worker at a time, of this machine or of all that share a PostgreSQL.

    What it guards takes milliseconds, but for the tables that the first one makes.

    Raises:
        ServerAwayError: the server cannot be reached, or its driver is missing.
    """
    url = resolve(url)
    if not url.startswith("sqlite:///"):
        with server_turn(url, "sparrow tuning"):
            yield
        return
    path = Path(url.removeprefix("sqlite:///") + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield


def _check_file(path: Path) -> None:
    """Refuse a damaged SQLite file before Optuna reads a broken page, in some trial or other.

    Raises:
        StudyError: it is damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as store:
            fault = store.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:  # locked, or no right to read it
        raise StudyError(f"stores.tuning: {path} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        fault = str(error)
    if fault != "ok":
        aside = path.with_name(path.name + ".damaged")
        raise StudyError(
            f"stores.tuning: {path} is damaged ({fault}). Bring back a copy of it, or move it away "
            f"and tune anew: mv {path} {aside}; then go on with the run"
        )
