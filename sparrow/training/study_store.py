"""The database of Optuna's studies: opened with heartbeats, refused where it is damaged."""

from __future__ import annotations

import contextlib
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback

from sparrow.store_url import resolve

HEARTBEAT_S = 20
STALE_AFTER_S = 60


class StudyError(RuntimeError):
    """The store of studies cannot be used; the message says what to do."""


def open_storage(url: str) -> RDBStorage:
    """The store of studies at ``url``; a trial whose worker died is put in line again, twice.

    Raises:
        StudyError: the SQLite file is damaged or cannot be read.
    """
    url = resolve(url)
    if url.startswith("sqlite:///"):
        _check_file(Path(url.removeprefix("sqlite:///")))
    sqlite = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RDBStorage(
            url,
            engine_kwargs=sqlite,
            heartbeat_interval=HEARTBEAT_S,
            grace_period=STALE_AFTER_S,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=2),
        )


@contextlib.contextmanager
def study_lock(url: str) -> Iterator[None]:
    """One worker of this machine at a time; what it guards takes milliseconds.

    Workers on several machines share a database server and no file: there two may claim the last
    trial together, which makes one more than asked for.
    """
    url = resolve(url)
    if not url.startswith("sqlite:///"):
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
