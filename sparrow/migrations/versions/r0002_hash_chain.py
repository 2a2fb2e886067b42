"""Each promotion gets a hash over itself and the one before it; those of old entries are computed.

What was edited before this ran cannot be known; what is edited afterwards is.
"""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

FIELDS = (
    "model", "number", "at", "who", "from_version", "to_version", "why", "forced", "evidence",
)  # fmt: skip


def upgrade() -> None:
    """Add the columns and the table of newest entries, and fill both."""
    # Null only in entries of a release that knows no hashes, written after this ran.
    op.add_column("promotions", sa.Column("sha256", sa.String(64)))
    heads = op.create_table(
        "promotion_heads",
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    promotions = sa.table(
        "promotions",
        *(sa.column(name, sa.Boolean if name == "forced" else None) for name in FIELDS),
        sa.column("sha256"),
    )
    connection = op.get_bind()
    query = sa.select(promotions).order_by(promotions.c.model, promotions.c.number)
    newest: dict[str, tuple[int, str]] = {}
    for row in connection.execute(query).mappings().all():
        previous = newest[row["model"]][1] if row["model"] in newest else ""
        values = {name: row[name] for name in FIELDS}
        text = json.dumps({**values, "previous": previous}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        newest[row["model"]] = row["number"], digest
        here = (promotions.c.model == row["model"]) & (promotions.c.number == row["number"])
        connection.execute(sa.update(promotions).where(here).values(sha256=digest))
    for model, (number, digest) in newest.items():
        values = {"model": model, "number": number, "sha256": digest}
        connection.execute(sa.insert(heads).values(values))
