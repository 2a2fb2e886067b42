"""Run by Alembic: the migrations on the connection and in the transaction that it was handed."""

from __future__ import annotations

from alembic import context

from sparrow.database import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,  # MLflow and Optuna call theirs alembic_version
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
