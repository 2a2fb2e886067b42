"""The append-only log of promotions: when, who, from, to, why, on what evidence.

Each entry names the entry it follows, and the database accepts only one successor for each: of
two promotions at once, one is written and the other gets an error. Each entry also carries a
SHA-256 over all its fields and the entry before it, and the newest one is noted in a table of its
own: what is edited, removed or inserted is found by ``PromotionLog.verify``. A person who can write
the database and computes all hashes anew is not found; the newest hash, kept elsewhere, shows it.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sparrow.database import open_database
from sparrow.registry.promotion_chain import BrokenChain, entry_sha256, first_break

# Their history is in ``sparrow.migrations``, which makes them.
metadata = sa.MetaData()
_PROMOTIONS = sa.Table(
    "promotions",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 1, 2, 3 … for each model
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("from_version", sa.Integer),
    sa.Column("to_version", sa.Integer, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("forced", sa.Boolean, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64)),
)
_HEADS = sa.Table(
    "promotion_heads",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),  # of the newest entry
    sa.Column("sha256", sa.String(64), nullable=False),  # its hash
)
logger = logging.getLogger("sparrow.promotion_log")


class PromotionConflictError(RuntimeError):
    """Somebody else changed the champion in the meantime."""


@dataclass(frozen=True)
class Entry:
    """One change of champion."""

    number: int
    at: str  # ISO 8601, UTC
    who: str
    from_version: int | None
    to_version: int
    why: str
    forced: bool
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A change of champion that is to be logged.

    Attributes:
        why: the reason, for people.
        forced: by a person's order, whatever the gate said.
        evidence: the gate's decision, and what identifies the version.
    """

    to_version: int
    why: str
    forced: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)


class PromotionLog:
    """The log of one model."""

    def __init__(self, url: str, model: str) -> None:
        """Open the log, making its tables (and the folder of an SQLite file) where missing.

        Raises:
            StoreError: the tables were made by a newer release.
            SQLAlchemyError: the database cannot be reached.
        """
        self._engine = open_database(url)
        self._model = model
        self._said: BrokenChain | None = None

    def entries(self) -> list[Entry]:
        """All changes, oldest first; a broken chain is logged as an error."""
        rows, head = self._read()
        self._report(first_break(rows, head))
        return [_entry(row) for row in rows]

    def verify(self) -> BrokenChain | None:
        """The first entry that was altered, removed or inserted; None where all is as written."""
        return first_break(*self._read())

    def append(self, follows: int, from_version: int | None, change: Change) -> Entry:
        """Write the entry after number ``follows`` (0 for the first).

        Raises:
            PromotionConflictError: that number is taken: the champion has changed since.
        """
        row: dict[str, Any] = {
            "model": self._model,
            "number": follows + 1,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": _who(),
            "from_version": from_version,
            **vars(change),
            "evidence": json.dumps(change.evidence),
        }
        try:
            with self._engine.begin() as connection:
                row["sha256"] = entry_sha256(row, self._hash_of(connection, follows))
                connection.execute(sa.insert(_PROMOTIONS).values(row))
                self._note_head(connection, row)
        except IntegrityError:
            winner = next(entry for entry in self.entries() if entry.number == follows + 1)
            raise PromotionConflictError(
                f"{winner.who} made version {winner.to_version} champion at {winner.at}, while "
                f"version {change.to_version} was on its way; look at `sparrow history` and decide "
                "again"
            ) from None
        return _entry(row)

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _read(self) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """Rows of the entries, oldest first, and of the newest entry's note."""
        query = (
            sa.select(_PROMOTIONS)
            .where(_PROMOTIONS.c.model == self._model)
            .order_by(_PROMOTIONS.c.number)
        )
        newest = sa.select(_HEADS).where(_HEADS.c.model == self._model)
        # Both as they are at one moment: an entry and its note are written together.
        sqlite = self._engine.dialect.name == "sqlite"
        options = {} if sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._engine.connect().execution_options(**options) as connection:
            if sqlite:
                connection.exec_driver_sql("BEGIN")
            rows = connection.execute(query).mappings().all()
            head = connection.execute(newest).mappings().first()
        return [dict(row) for row in rows], dict(head) if head else None

    def _hash_of(self, connection: sa.Connection, number: int) -> str:
        """The hash that an entry carries, "" before the first."""
        table = _PROMOTIONS.c
        here = (table.model == self._model) & (table.number == number)
        return connection.execute(sa.select(table.sha256).where(here)).scalar() or ""

    def _note_head(self, connection: sa.Connection, row: Mapping[str, Any]) -> None:
        values = {name: row[name] for name in ("model", "number", "sha256")}
        mine = _HEADS.c.model == self._model
        if connection.execute(sa.update(_HEADS).where(mine).values(values)).rowcount == 0:
            connection.execute(sa.insert(_HEADS).values(values))

    def _report(self, broken: BrokenChain | None) -> None:
        if broken is not None and broken != self._said:
            logger.error(
                "the promotion log of %s was changed by hand: %s. What follows may not be what "
                "happened; compare it with a copy of the database",
                self._model,
                broken.words,
            )
        self._said = broken


def _entry(row: dict[str, Any]) -> Entry:
    values = {name: value for name, value in row.items() if name not in ("model", "sha256")}
    try:
        evidence = json.loads(values["evidence"])
    except ValueError:  # changed by hand, and reported as such
        evidence = {"unreadable": values["evidence"]}
    return Entry(**{**values, "evidence": evidence})


def _who() -> str:
    """The person or service account; containers often have neither name nor entry."""
    try:
        return os.environ.get("METAFLOW_USER") or getpass.getuser()
    except (ImportError, KeyError, OSError):
        return "unknown"
