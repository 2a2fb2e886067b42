"""Migrations: old databases open, new ones are refused, two processes at once are fine."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sparrow import database, migrations
from sparrow.config.data import MAX_CLASS_NAME_LENGTH
from sparrow.database import HEAD, VERSION_TABLE, StoreError, open_database, revision
from sparrow.inference.model_folder import MAX_NAME_LENGTH
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import metadata as log_metadata
from sparrow.predictions.window import read_window
from sparrow.registry.promotion_chain import entry_sha256
from sparrow.registry.promotion_log import Change, PromotionLog
from sparrow.registry.promotion_log import metadata as promotions_metadata

# As the release before the first migration made them, word for word (sqlite3's .schema).
OLD_LOG = """
CREATE TABLE predictions (
    id VARCHAR(32) NOT NULL, time DATETIME NOT NULL, source VARCHAR(16) NOT NULL,
    model_name VARCHAR(128) NOT NULL, model_version VARCHAR(64) NOT NULL,
    file_name VARCHAR(255) NOT NULL, sha256 VARCHAR(64) NOT NULL, width_px INTEGER NOT NULL,
    height_px INTEGER NOT NULL, brightness FLOAT, contrast FLOAT, sharpness FLOAT,
    saturation FLOAT, latency_ms FLOAT NOT NULL, n_detections INTEGER NOT NULL, count INTEGER,
    count_low INTEGER, count_high INTEGER, error VARCHAR(32), PRIMARY KEY (id));
CREATE TABLE boxes (
    prediction_id VARCHAR(32) NOT NULL, position INTEGER NOT NULL, label VARCHAR(64) NOT NULL,
    score FLOAT NOT NULL, x_min_px FLOAT NOT NULL, y_min_px FLOAT NOT NULL,
    x_max_px FLOAT NOT NULL, y_max_px FLOAT NOT NULL, PRIMARY KEY (prediction_id, position),
    FOREIGN KEY(prediction_id) REFERENCES predictions (id));
CREATE TABLE feedback (
    id VARCHAR(32) NOT NULL, prediction_id VARCHAR(32) NOT NULL, time DATETIME NOT NULL,
    true_count INTEGER, wrong BOOLEAN NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(prediction_id) REFERENCES predictions (id));
CREATE INDEX predictions_time ON predictions (time);
CREATE INDEX feedback_prediction ON feedback (prediction_id);
INSERT INTO predictions VALUES ('a', '2026-05-01 12:00:00.000000', 'api', 'birds', '3', 'a.jpg',
    '', 60, 40, 0.5, 0.1, 0.02, 0.3, 20.0, 1, 1, 0, 2, NULL);
INSERT INTO boxes VALUES ('a', 0, 'sparrow', 0.75, 1, 2, 30, 40);
INSERT INTO feedback VALUES ('f', 'a', '2026-05-01 12:01:00.000000', 2, 1);
"""
OLD_PROMOTIONS = """
CREATE TABLE promotions (
    model VARCHAR(200) NOT NULL, number INTEGER NOT NULL, at VARCHAR(40) NOT NULL,
    who VARCHAR(100) NOT NULL, from_version INTEGER, to_version INTEGER NOT NULL,
    why TEXT NOT NULL, forced BOOLEAN NOT NULL, evidence TEXT NOT NULL,
    PRIMARY KEY (model, number));
INSERT INTO promotions VALUES
    ('m', 1, '2026-01-01T00:00:00+00:00', 'ada', NULL, 1, 'first', 0, '{"gates": []}'),
    ('m', 2, '2026-01-02T00:00:00+00:00', 'bob', 1, 2, 'ü, "better"', 1, '{}'),
    ('n', 1, '2026-01-03T00:00:00+00:00', 'bob', NULL, 7, '', 0, '{}');
"""


def make_old(path: Path, script: str) -> str:
    with closing(sqlite3.connect(path)) as file:
        file.executescript(script)
    return f"sqlite:///{path}"


@pytest.fixture
def server_url(postgres: str) -> str:
    """Of an empty PostgreSQL database."""
    import psycopg

    from sparrow.predictions.record import new_id

    name = f"migrate_{new_id()}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return f"{postgres}/{name}"


def test_the_constant_names_the_newest_migration() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [HEAD]  # one history, no branches
    assert len(list(scripts.walk_revisions())) == int(HEAD)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_make_the_tables_that_the_code_declares(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def unlike_text(*columns: Any) -> bool | None:
        return False if all(isinstance(kind, sa.String) for kind in columns[-2:]) else None

    # SQLite looks at no declared length; its tables keep the one they were made with.
    differs = {"sqlite": unlike_text, "postgresql": True}
    url = f"sqlite:///{tmp_path}/new.db"
    engine = open_database(url if kind == "sqlite" else request.getfixturevalue("server_url"))
    options = {"version_table": VERSION_TABLE, "compare_type": differs[kind]}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, [log_metadata, promotions_metadata]) == []
        assert revision(connection) == HEAD
    engine.dispose()


def test_a_prediction_log_made_before_opens_and_is_written_to(tmp_path: Path) -> None:
    url = make_old(tmp_path / "predictions.db", OLD_LOG)
    old = PredictionLog(url, read_only=True)
    assert read_window(old).class_counts.empty  # it lacks their table
    old.close()
    log = PredictionLog(url)
    log.add_feedback("a", true_count=5)
    window = read_window(log)
    log.close()
    assert window.class_counts.empty
    assert window.photos["id"].tolist() == ["a"]
    assert window.boxes["score"].tolist() == [0.75]
    assert window.feedback["true_count"].tolist() == [2, 5]


def test_names_that_a_server_refused_before_go_in(server_url: str) -> None:
    from alembic import command

    engine = sa.create_engine(server_url.replace("postgresql", "postgresql+psycopg"))
    config = database._alembic_config()
    insert_a = OLD_LOG[OLD_LOG.index("INSERT INTO predictions") :].replace("2, 1);", "2, true);")
    box = sa.text("INSERT INTO boxes VALUES ('a', 1, :label, 0.5, 1, 2, 3, 4)")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")  # as the release before made them
        connection.exec_driver_sql(insert_a)
    longest = {"label": "g" * MAX_CLASS_NAME_LENGTH}
    with pytest.raises(sa.exc.DataError, match="too long"), engine.begin() as connection:
        connection.execute(box, longest)
    log = PredictionLog(server_url)
    with engine.begin() as connection:
        connection.execute(box, longest)
    window = read_window(log)
    log.close()
    engine.dispose()
    assert window.photos["file_name"].tolist() == ["a.jpg"]
    assert window.boxes["label"].tolist() == ["sparrow", longest["label"]]
    assert window.feedback["true_count"].tolist() == [2]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_promotion_holds_the_longest_names(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of an earlier release may have 500 letters; a service account has any number."""
    url = f"sqlite:///{tmp_path}/promotions.db"
    who = "runner/" + "x" * 300
    monkeypatch.setenv("METAFLOW_USER", who)
    log = PromotionLog(
        url if kind == "sqlite" else request.getfixturevalue("server_url"), "ü" * MAX_NAME_LENGTH
    )
    log.append(0, None, Change(1, "w" * 10_000))
    assert [(entry.who, entry.number) for entry in log.entries()] == [(who, 1)]
    assert log.verify() is None
    log.close()


def test_a_promotion_log_made_before_gets_its_hashes(tmp_path: Path) -> None:
    url = make_old(tmp_path / "promotions.db", OLD_PROMOTIONS)
    log, other = PromotionLog(url, "m"), PromotionLog(url, "n")
    assert [entry.why for entry in log.entries()] == ["first", 'ü, "better"']
    # The migration hashes by words of its own; they must stay those of the code.
    assert log.verify() is None
    assert other.verify() is None
    log.append(2, 2, Change(3, "third"))
    assert log.verify() is None
    assert [entry.number for entry in log.entries()] == [1, 2, 3]
    log.close()
    other.close()
    with closing(sqlite3.connect(tmp_path / "promotions.db")) as file:
        file.row_factory = sqlite3.Row
        first = dict(file.execute("SELECT * FROM promotions WHERE model = 'm'").fetchone())
    assert first["sha256"] == entry_sha256({**first, "forced": False}, "")


@pytest.mark.parametrize("halves", ["nothing", "one table", "both logs", "stamped by MLflow"])
def test_whatever_was_there_before_becomes_the_same(tmp_path: Path, halves: str) -> None:
    path = tmp_path / "any.db"
    script = {
        "nothing": "",
        "one table": OLD_LOG.split(";")[0],
        "both logs": OLD_LOG + OLD_PROMOTIONS,
        "stamped by MLflow": "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
        "INSERT INTO alembic_version VALUES ('mlflow');",
    }[halves]
    engine = open_database(make_old(path, script))
    with engine.connect() as connection:
        tables = set(sa.inspect(connection).get_table_names())
        assert revision(connection) == HEAD
        if halves == "stamped by MLflow":
            assert connection.execute(sa.text("SELECT * FROM alembic_version")).scalar() == "mlflow"
    engine.dispose()
    assert {"predictions", "boxes", "feedback", "promotions", "promotion_heads"} <= tables


@pytest.mark.parametrize("found", ["0007", "9999", "0002_branch", "1f3a9c"])
@pytest.mark.parametrize("open_one", [PredictionLog, lambda url: PromotionLog(url, "m")])
def test_a_database_of_a_newer_release_is_refused(
    tmp_path: Path, found: str, open_one: Any
) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    PredictionLog(url).close()
    with closing(sqlite3.connect(tmp_path / "new.db")) as file:
        file.execute(f"UPDATE {VERSION_TABLE} SET version_num = '{found}'")
        file.commit()
    with pytest.raises(StoreError, match=f"newer release .* revision {found}, .* up to {HEAD}"):
        open_one(url)
    with pytest.raises(StoreError, match="newer release"):
        PredictionLog(url, read_only=True)


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    # A table with the name that the second migration wants to make.
    url = make_old(tmp_path / "old.db", OLD_PROMOTIONS + "CREATE TABLE promotion_heads (x);")
    with pytest.raises(sa.exc.OperationalError, match="already exists"):
        PromotionLog(url, "m")
    with closing(sqlite3.connect(tmp_path / "old.db")) as file:
        names = {row[0] for row in file.execute("SELECT name FROM sqlite_master")}
        columns = {row[1] for row in file.execute("PRAGMA table_info(promotions)")}
    assert "predictions" not in names
    assert VERSION_TABLE not in names
    assert "sha256" not in columns


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_start_at_once_migrate_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        url = make_old(tmp_path / "predictions.db", OLD_LOG)
    else:
        url = request.getfixturevalue("server_url")
    code = (
        "import sys; from sparrow.predictions.log import PredictionLog\n"
        "sys.stdin.readline(); PredictionLog(sys.argv[1]).close()"
    )
    command = [sys.executable, "-W", "error", "-c", code, url]
    pipe = subprocess.PIPE
    children = [subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) for _ in range(4)]
    said = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        said.append(child.communicate(timeout=120)[1])
    assert said == [""] * 4
    engine = open_database(url)
    with engine.connect() as connection:
        assert revision(connection) == HEAD
    engine.dispose()


def test_opening_what_is_up_to_date_does_not_import_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    PredictionLog(url).close()
    code = (
        "import sys; from sparrow.predictions.log import PredictionLog\n"
        f"PredictionLog({url!r}).close(); PredictionLog({url!r}, read_only=True).close()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_migrations_travel_with_the_package() -> None:
    """In a wheel as packages, in Bento and Space as files of ``sparrow/``."""
    from setuptools import find_packages

    root = Path(database.__file__).parents[1]
    packages = set(find_packages(str(root), include=["sparrow*"]))
    for script in (root / "sparrow" / "migrations").rglob("*.py"):
        assert ".".join(script.parent.relative_to(root).parts) in packages


@pytest.mark.parametrize("name", ["log.db", "a b%20?#.db", "ü/deep.db"])
def test_reading_changes_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    make_old(path, OLD_LOG)
    before = path.read_bytes()
    log = PredictionLog(
        sa.URL.create("sqlite", database=str(path)).render_as_string(), read_only=True
    )
    assert log.summary()["photos"] == 1
    log.close()
    assert path.read_bytes() == before
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]


def test_a_log_on_a_read_only_disk_is_read(read_only_folder: Any, tmp_path: Path) -> None:
    for name in ("old.db", "closed.db", "killed.db"):
        make_old(tmp_path / name, OLD_LOG)
    PredictionLog(f"sqlite:///{tmp_path}/closed.db").close()
    # As after a SIGKILL: rows in the file beside it that were never merged.
    held = PredictionLog(f"sqlite:///{tmp_path}/killed.db")
    held.add_feedback("a", true_count=5)
    shutil.copytree(tmp_path, tmp_path / "copy")
    held.close()
    folder = read_only_folder(tmp_path / "copy")
    for name in ("old.db", "closed.db"):
        log = PredictionLog(f"sqlite:///{folder}/{name}", read_only=True)
        assert log.summary()["photos"] == 1
        log.close()
    with_both = PredictionLog(f"sqlite:///{folder}/killed.db", read_only=True)
    assert read_window(with_both).feedback["true_count"].tolist() == [2, 5]
    with_both.close()
    (tmp_path / "copy" / "killed.db-shm").unlink()
    folder = read_only_folder(tmp_path / "copy")
    with pytest.raises(StoreError, match=r"killed\.db-wal.* Copy both files"):
        PredictionLog(f"sqlite:///{folder}/killed.db", read_only=True)


def test_a_log_that_is_closed_or_upgraded_leaves_no_file_beside_it(tmp_path: Path) -> None:
    """A large one would be read anew by every reader, connection by connection."""
    path = tmp_path / "log.db"
    url = make_old(path, OLD_LOG)
    log = PredictionLog(url)
    assert Path(f"{path}-wal").stat().st_size == 0
    log.add_feedback("a", true_count=5)
    assert Path(f"{path}-wal").stat().st_size > 0
    log.close()
    assert [one.name for one in tmp_path.iterdir()] == ["log.db"]
