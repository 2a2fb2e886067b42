"""MLflow's database in a project folder that was moved or copied: its addresses follow.

MLflow stores whole addresses of artifacts, and has no way to change them (mlflow/mlflow#3144,
#3719). In a copy of the project they would lead into the original: a training in the copy would
write there. Nothing of MLflow's is imported: each run asks at its start.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sparrow.config import StoresConfig
from sparrow.store_url import resolve, tracking_url

logger = logging.getLogger("sparrow.registry")

SQLITE = "sqlite:///"
HOMES = ("experiments", "artifact_location")  # a new run's files go below it
FILES = (
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
LOCK_TIMEOUT_S = 60.0


class MovedStoreError(RuntimeError):
    """The store is a copy whose files were left behind, or cannot be written."""


@dataclass(frozen=True)
class Move:
    """A project folder as the database knows it, and where it is now."""

    old: Path
    new: Path

    def follow(self, address: str | None) -> str | None:
        """The address in the folder of now; None for one that does not lead into the old folder."""
        path = _local_path(address)
        if address is None or path is None or not path.is_relative_to(self.old):
            return None
        now = self.new / path.relative_to(self.old)
        return now.as_uri() if address.startswith("file:") else str(now)


@dataclass(frozen=True)
class Address:
    """An address in the database, and what it would be in the folder of now."""

    table: str
    column: str
    old: str
    new: str

    @property
    def is_home(self) -> bool:
        """Whether it is where an experiment's new files go."""
        return (self.table, self.column) == HOMES


def follow_moves(stores: StoresConfig) -> None:
    """``follow_move`` for MLflow's embedded databases among the stores.

    Raises:
        MovedStoreError: see ``follow_move``.
    """
    tracking = resolve(tracking_url(stores.tracking))
    registry = resolve(stores.registry) if stores.registry else tracking
    if "://" in stores.artifacts:
        return
    for url in sorted({tracking, registry}):
        if url.startswith(SQLITE):
            follow_move(Path(url.removeprefix(SQLITE)), Path(stores.artifacts))


def follow_move(database: Path, artifacts: Path) -> None:
    """Let the addresses in a moved or copied database lead to the files beside it, and say so.

    Args:
        database: the SQLite file; nothing happens where there is none.
        artifacts: where the config has the artifacts.

    Raises:
        MovedStoreError: both are named relative to the project and the files are only in the other
            folder, where a training in this one must not write; or the database cannot be written.
    """
    if not database.is_file():
        return
    try:
        with closing(sqlite3.connect(database, LOCK_TIMEOUT_S, isolation_level=None)) as link:
            if _move(link, database, artifacts) is None:
                return
            link.execute("BEGIN IMMEDIATE")
            move = _move(link, database, artifacts)  # another process may have followed meanwhile
            if move is not None:
                _follow(link, move, database, artifacts)
            link.execute("COMMIT")
    except sqlite3.Error as error:
        raise MovedStoreError(
            f"{database}: its addresses lead elsewhere, for the project was moved or copied, and "
            f"they cannot be read or changed ({error})"
        ) from error


def _move(link: sqlite3.Connection, database: Path, artifacts: Path) -> Move | None:
    """How the project's folder moved, if it did: the end of the path of artifacts is the same."""
    if not link.execute("SELECT 1 FROM sqlite_master WHERE name = ?", HOMES[:1]).fetchone():
        return None
    now = Path(os.path.abspath(artifacts))
    wanted = 1 if artifacts.is_absolute() else len(artifacts.parts)
    for (address,) in link.execute("SELECT DISTINCT artifact_location FROM experiments"):
        before = _local_path(address)
        if before is None or os.path.realpath(before) == os.path.realpath(now):
            continue
        pairs = zip(before.parts[::-1], now.parts[::-1], strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        old, new = (Path(*path.parts[: len(path.parts) - same]) for path in (before, now))
        if same >= wanted and Path(os.path.abspath(database)).is_relative_to(new):
            return Move(old, new)
    return None


def _follow(link: sqlite3.Connection, move: Move, database: Path, artifacts: Path) -> None:
    addresses = _addresses(link, move)
    files = [address for address in addresses if not address.is_home]
    here = [address for address in files if _exists(address.new)]
    left = [address for address in files if address not in here and _exists(address.old)]
    if left and not here:
        if database.is_absolute() or artifacts.is_absolute():
            return  # a database that is named by its whole path may belong to several projects
        raise MovedStoreError(_left_behind(move, database))
    for address in addresses:
        if address not in left:
            change = f"UPDATE {address.table} SET {address.column} = ? WHERE {address.column} = ?"  # noqa: S608 of the names above
            link.execute(change, (address.new, address.old))
    logger.warning(
        "%s: the project was in %s and is in %s now; the addresses of the files of its runs and "
        "models follow%s", database, move.old, move.new, _still_there(left),
    )  # fmt: skip


def _addresses(link: sqlite3.Connection, move: Move) -> list[Address]:
    return [
        Address(table, column, old, new)
        for table, column in (*FILES, HOMES)
        for (old,) in link.execute(f"SELECT DISTINCT {column} FROM {table}")  # noqa: S608 see above
        if (new := move.follow(old))
    ]


def _local_path(address: str | None) -> Path | None:
    """The path of a ``file:`` address or of a plain whole path; None for any other address."""
    if address is None:
        return None
    path = url2pathname(urlsplit(address).path) if address.startswith("file:") else address
    return Path(path) if Path(path).is_absolute() else None


def _exists(address: str) -> bool:
    path = _local_path(address)
    return path is not None and path.exists()


def _left_behind(move: Move, database: Path) -> str:
    return (
        f"{database} is a copy of the one in {move.old}, but the files of its runs and models are "
        f"only there. Copy the folder of artifacts (stores.artifacts) from {move.old} to "
        f"{move.new} as well, or remove {database} to begin without earlier runs"
    )


def _still_there(left: Collection[Address]) -> str:
    if not left:
        return ""
    first = min(address.old for address in left)
    return f"; {len(left)} of them stay in the other folder, for example {first}"
