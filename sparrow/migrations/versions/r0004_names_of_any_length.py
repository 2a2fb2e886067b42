"""Columns of names (of classes, models, files, people) take any length.

PostgreSQL refused a class name of more than 64 letters, which a config accepts, and with it the
photo. It changes the type without touching a row. SQLite never looked at the length that a column
declares, and would have to copy the whole table to declare none: its tables stay as they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NAMES = (
    ("predictions", "model_name", 128),
    ("predictions", "model_version", 64),
    ("predictions", "file_name", 255),
    ("boxes", "label", 64),
    ("class_counts", "label", 500),
    ("promotions", "model", 200),
    ("promotions", "who", 100),
    ("promotion_heads", "model", 200),
)


def upgrade() -> None:
    """Drop the limits where they are one."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, column, length in NAMES:
        op.alter_column(table, column, type_=sa.Text, existing_type=sa.String(length))
