"""One change of champion at a time: on this machine, and among all that share one database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock

from sparrow.database_server import server_turn


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
        held.enter_context(server_turn(log_url, f"sparrow champion {model}"))
        yield
