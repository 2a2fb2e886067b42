"""The append-only log of promotions: when, who, from, to, why, on what evidence.

Each entry names the entry it follows, and the database accepts only one successor for each: of
two promotions at once, one is written and the other is told.
"""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

_METADATA = sa.MetaData()
_PROMOTIONS = sa.Table(
    "promotions",
    _METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 1, 2, 3 … for each model
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("who", sa.String(100), nullable=False),
    sa.Column("from_version", sa.Integer),
    sa.Column("to_version", sa.Integer, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("forced", sa.Boolean, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
)


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


class PromotionLog:
    """The log of one model."""

    def __init__(self, url: str, model: str) -> None:
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self._engine = sa.create_engine(url)
        self._model = model
        _METADATA.create_all(self._engine)

    def entries(self) -> list[Entry]:
        """All changes, oldest first."""
        query = (
            sa.select(_PROMOTIONS)
            .where(_PROMOTIONS.c.model == self._model)
            .order_by(_PROMOTIONS.c.number)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [_entry(dict(row)) for row in rows]

    def append(
        self,
        follows: int,
        from_version: int | None,
        to_version: int,
        why: str,
        *,
        forced: bool = False,
        evidence: dict[str, Any] | None = None,
    ) -> Entry:
        """Write the entry after number ``follows`` (0 for the first).

        Raises:
            PromotionConflictError: that place is taken: the champion has changed since.
        """
        row = {
            "model": self._model,
            "number": follows + 1,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": _who(),
            "from_version": from_version,
            "to_version": to_version,
            "why": why,
            "forced": forced,
            "evidence": json.dumps(evidence or {}),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(_PROMOTIONS).values(row))
        except IntegrityError:
            winner = self.entries()[follows]
            raise PromotionConflictError(
                f"{winner.who} made version {winner.to_version} champion at {winner.at}, while "
                f"version {to_version} was on its way; look at `sparrow history` and decide again"
            ) from None
        return _entry(row)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _entry(row: dict[str, Any]) -> Entry:
    values = {name: value for name, value in row.items() if name != "model"}
    return Entry(**{**values, "evidence": json.loads(values["evidence"])})


def _who() -> str:
    """The person or service account; containers often have neither name nor entry."""
    try:
        return os.environ.get("METAFLOW_USER") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
