"""One change of champion at a time: on this machine, and among all that share one database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock

from sparrow.store_url import resolve


@contextmanager
def champion_lock(published: Path, log_url: str, model: str) -> Iterator[None]:
    """Hold the lock inside the ``with``; whoever comes second waits.

    A kill lets go of both locks: the file is closed, and so is the connection.

    Args:
        published: the path at which the service looks; the lock file lies beside it.
        log_url: of the promotion log. Where it is PostgreSQL, machines that share it exclude one
            another by an advisory lock as well.
        model: name of the registered model.
    """
    with ExitStack() as held:
        published.parent.mkdir(parents=True, exist_ok=True)
        held.enter_context(FileLock(published.with_name(published.name + ".lock")))
        log_url = resolve(log_url)
        if sa.make_url(log_url).get_backend_name() == "postgresql":
            engine = sa.create_engine(log_url, poolclass=sa.NullPool)
            connection = held.enter_context(engine.connect())
            connection.execute(sa.select(sa.func.pg_advisory_lock(_key(model))))
        yield


def _key(model: str) -> int:
    """A signed 64-bit number, as PostgreSQL wants it; the same on every machine."""
    digest = hashlib.sha256(f"sparrow champion {model}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
