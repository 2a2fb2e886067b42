"""Which runs of the training flow are under way: locks that end with their processes.

The process that starts a run and each of its steps hold one lock file together. So a run counts as
under way while any of them lives, and no longer after a kill of all: there is nothing to tidy up.
The file names the runs it is held for; each run's folder has a link to it.

Its holders share it, which ``filelock`` does not know, but for the same lock held by one alone.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import lock_descriptor

from sparrow.portable import hold_together, replace_link

LINK = "run.lock"  # in a run's folder
VARIABLE = "SPARROW_RUN_LOCK"  # the path of the run's lock, for its steps
POLL_S = 0.2

_held: list[int] = []  # a step holds on until its process ends


class RunsUnderWayError(RuntimeError):
    """A run that has no id yet to distinguish it by."""


@contextmanager
def run_under_way(folder: Path) -> Iterator[Path]:
    """Hold a new lock for one run, whose steps this process is going to start.

    Args:
        folder: of all locks; those that nobody holds any more are cleared away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with choosing(folder):
        for path in folder.glob("*.lock"):
            if not is_held(path):
                path.unlink(missing_ok=True)
        path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
        lock = path.open("xb")
        hold_together(lock.fileno())
    os.environ[VARIABLE] = str(path.resolve())
    try:
        yield path
    finally:
        os.environ.pop(VARIABLE, None)
        lock.close()
        if not is_held(path):
            path.unlink(missing_ok=True)


@contextmanager
def choosing(folder: Path) -> Iterator[None]:
    """Of processes that read the locks in order to add another, one at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "choosing").open("wb") as turn:
        lock_descriptor(turn.fileno())
        yield


def name_run(path: Path, run_id: str) -> None:
    """Note which run a lock is held for; there may be several (a run, and the resumed one)."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{run_id}\n")


def join_run(run_id: str, work_dir: Path) -> None:
    """Hold the lock of this step's run until the process ends, and link it from the run's folder.

    Where no process of this machine started the run (on a cluster), nothing happens.
    """
    if not (named := os.environ.get(VARIABLE)):
        return
    path = Path(named)
    lock = os.open(path, os.O_RDWR | os.O_CREAT)
    hold_together(lock)
    _held.append(lock)
    if run_id not in _names(path):
        name_run(path, run_id)
    work_dir.mkdir(parents=True, exist_ok=True)
    link = work_dir / LINK
    target = os.path.relpath(path, work_dir.resolve())  # in a copied project it leads to the copy
    if link.is_symlink() and os.readlink(link) == target:
        return
    replace_link(link, Path(target), work_dir / f"{LINK}.{os.getpid()}")


def is_under_way(work_dir: Path) -> bool:
    """Whether a process still works on the run of this folder."""
    return is_held(work_dir / LINK)


def runs_under_way(folder: Path, timeout_s: float = 60.0) -> set[str]:
    """The ids of all runs under way, those included that are being resumed.

    Args:
        folder: of all locks.
        timeout_s: how long to wait for a run that has just been started to get its id.

    Raises:
        RunsUnderWayError: one has none yet after that time.
    """
    until = time.monotonic() + timeout_s
    while True:
        own = os.environ.get(VARIABLE)
        held = [p for p in folder.glob("*.lock") if str(p.resolve()) != own and is_held(p)]
        names = [_names(path) for path in held]
        if all(names):
            return {name for some in names for name in some}
        if time.monotonic() > until:
            raise RunsUnderWayError(
                f"a run that was started {timeout_s:.0f} s ago has no number yet; try again when "
                "it says which run it is"
            )
        time.sleep(POLL_S)


def is_held(path: Path) -> bool:
    """Whether any process holds a lock file."""
    try:
        with path.open("rb") as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except OSError:  # there is none, or it has just gone
        return False


def _names(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []
