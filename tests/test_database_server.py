"""Servers of databases: one sentence where they cannot be used, passwords, turns."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from sparrow.database_errors import ServerAwayError, StoreError
from sparrow.database_server import require_server, server_turn
from sparrow.predictions.log import PredictionLog
from sparrow.store_url import StoreURLError

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def locked(locked_postgres: tuple[str, str]) -> str:
    """URL of a database whose user needs a password, without it."""
    return f"{locked_postgres[0]}/postgres"


@pytest.mark.parametrize(
    "url", ["", ".sparrow/mlflow", "sqlite:///nowhere/log.db", "http://127.0.0.1:9", "file:///x"]
)
def test_what_is_no_database_server_is_not_asked(url: str) -> None:
    require_server(url)
    with server_turn(url, "any"):
        pass


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:s3cret@127.0.0.1:9/log", "Connection refused. Start the server"),
        ("postgresql://me:s3cret@nowhere.invalid/log", "nowhere.invalid"),
        ("postgresql://sparrow@{}/missing", 'database "missing" does not exist'),
        ("postgresql://locked:s3cret@{}/postgres", "password authentication failed"),
        ("postgresql://locked@{}/postgres", "no password supplied. .* PGPASSWORD, a passfile"),
        ("postgresql+nodriver://me:s3cret@h/log", "nodriver"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence(
    postgres: str, locked: str, url: str, words: str
) -> None:
    url = url.format(postgres.partition("@")[2])
    for use in (require_server, PredictionLog, lambda url: PredictionLog(url, read_only=True)):
        with pytest.raises(ServerAwayError, match=words) as caught:
            use(url)
        said = str(caught.value)
        assert "s3cret" not in said
        assert "\n" not in said
        assert said.startswith(f"the database {url.partition(':')[0]}:")


def test_databases_of_other_kinds_are_refused() -> None:
    with pytest.raises(ServerAwayError, match="nodatabase"):
        require_server("nodatabase://me:s3cret@h/studies")
    with pytest.raises(StoreError, match=r"SQLite or PostgreSQL, found mysql://me:\*\*\*@h/log"):
        PredictionLog("mysql://me:s3cret@h/log")


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed
    with pytest.raises(ServerAwayError, match=r"needs psycopg, .*\[postgres\]'$"):
        require_server("postgresql://me@db.example/log")


@pytest.mark.parametrize("given", ["PGPASSWORD", "PGPASSFILE", "?passfile=", "${NAME}"])
def test_passwords_come_from_outside(
    locked_postgres: tuple[str, str], given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, secret = locked_postgres
    locked, passfile = f"{server}/postgres", tmp_path / "pgpass"
    passfile.write_text(f"*:*:*:locked:{secret}\n")
    passfile.chmod(0o600)  # libpq takes no other
    url = locked
    if given == "PGPASSWORD":
        monkeypatch.setenv(given, secret)
    elif given == "PGPASSFILE":
        monkeypatch.setenv(given, str(passfile))
    elif given == "?passfile=":
        url += f"?passfile={passfile}"
    else:
        url = locked.replace("//locked@", "//locked:${DB_PASSWORD}@")
        with pytest.raises(StoreURLError, match="DB_PASSWORD, which is not set"):
            require_server(url)
        monkeypatch.setenv("DB_PASSWORD", secret)
    require_server(url)
    PredictionLog(url).close()


def test_turns_exclude_one_another_by_name(postgres: str) -> None:
    url, done = f"{postgres}/postgres", threading.Event()

    def second() -> None:
        with server_turn(url, "mine"):
            done.set()

    with server_turn(url, "mine"):
        with server_turn(url, "another"):
            pass
        rival = threading.Thread(target=second)
        rival.start()
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            while not connection.exec_driver_sql(WAITING).scalar():
                pass
        engine.dispose()
        assert not done.is_set()
    rival.join(30)
    assert done.is_set()


def test_a_killed_process_lets_go_of_its_turn(postgres: str) -> None:
    url = f"{postgres}/postgres"
    code = (
        "import sys; from sparrow.database_server import server_turn\n"
        "with server_turn(sys.argv[1], 'killed'): print('mine', flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, url], stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mine\n"
        holder.kill()
    with server_turn(url, "killed"):
        pass


def test_a_turn_is_free_again_after_an_error(postgres: str) -> None:
    url = f"{postgres}/postgres"
    with contextlib.suppress(StoreError), server_turn(url, "failed"):
        raise StoreError("inside")
    with server_turn(url, "failed"):
        pass
