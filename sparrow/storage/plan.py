"""The parts of runs, caches and published models that can be deleted.

Nothing is deleted that is still needed: the champion and the one before it, the newest run of each
name with all that its resumption takes, and every run that a process works on. The registry's own
files, MLflow's, are never touched: each registered version can be fetched from there again.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from sparrow.config import StoresConfig
from sparrow.storage.places import (
    DAY_S,
    MB,
    MEASURES,
    REPORT,
    Item,
    Places,
    Run,
    as_bytes,
    decoded_files,
    describe,
    read_runs,
    remove,
    size_of,
    versions_home,
)
from sparrow.storage.run_lock import LINK, is_held

LEFT_ASIDE = ".damaged-"  # in the names of checkpoints that were set aside: a person's to delete
KEPT_OF_A_RUN = {REPORT, "steps.jsonl", "best_params.yaml", "mlflow_run_id", "mlflow_tuning_run_id"}
SUPERSEDED = ("checkpoints/checkpoint.previous.pt", "checkpoints/best.previous.safetensors")
VERDICT = "verdict.json"
SCORED_CHAMPION = "champion"  # a copy that older releases left in a run's folder


def plan(places: Places, own: Path | None = None) -> list[Item]:
    """What can be deleted now: what finished runs need no longer, and what is over a budget.

    Args:
        places: whose files are considered.
        own: folder of the calling run, which is at its end.
    """
    return [
        *_run_items(places, own),
        *_prepared_items(places),
        *_published_items(places),
        *_monitoring_items(places),
    ]


def keep_within_budget(places: Places, own: Path | None = None) -> list[str]:
    """At the end of a run: delete what may be deleted unasked; a line for each.

    Args:
        places: whose files are considered.
        own: folder of the run, which is at its end; None leaves every run that is under way alone.
    """
    gone = remove([item for item in plan(places, own) if item.by_itself])
    return [f"removed {describe(item)}" for item in gone]


def _run_items(places: Places, own: Path | None) -> Iterator[Item]:
    home = Path(places.stores.runs)
    runs = read_runs(home)
    newest = {run.report.get("name"): run.folder for run in runs}.values()
    over = size_of(home) - as_bytes(places.budgets.runs_gb)
    rest: list[Run] = []
    for run in runs:
        is_own = own is not None and run.folder.resolve() == own.resolve()
        if not is_own and run.is_busy():
            continue
        is_newest = run.folder in newest
        if not is_newest:
            rest.append(run)
        for item in _unneeded(run, is_newest):
            over -= item.n_bytes
            yield item
    for run in sorted(rest, key=lambda run: not run.finished):  # finished ones first, oldest first
        for item in _all_else(run):
            if over <= 0:
                return
            over -= item.n_bytes
            yield item


def _unneeded(run: Run, is_newest: bool) -> Iterator[Item]:
    """What a run that has finished needs no longer."""
    if not run.finished:
        return
    checkpoints = run.folder / "checkpoints"
    for path in sorted(checkpoints.glob(f"*{LEFT_ASIDE}*")):
        yield Item(path, size_of(path), "a damaged file that was set aside", by_itself=False)
    for name in (*SUPERSEDED, SCORED_CHAMPION):
        if (path := run.folder / name).exists():
            yield Item(path, size_of(path), "the run has finished")
    if is_newest:
        return
    for path in sorted(checkpoints.glob("*")):
        if LEFT_ASIDE not in path.name and str(path.relative_to(run.folder)) not in SUPERSEDED:
            yield Item(path, size_of(path), "the run has finished, and another one since")
    number = run.report.get("candidate_version")
    if number and (model := run.folder / "model").exists():
        yield Item(model, size_of(model), f"registered as version {number}")


def _all_else(run: Run) -> Iterator[Item]:
    why = "over the budget storage.runs_gb"
    if not run.finished:
        why += "; the run did not finish, and would train from its beginning"
    taken = {"model"} if run.finished and run.report.get("candidate_version") else set()
    for path in sorted(run.folder.iterdir()):
        if path.name in KEPT_OF_A_RUN | taken or path.name.startswith(LINK):
            continue
        if run.finished and path.name in ("checkpoints", SCORED_CHAMPION):
            continue  # listed above
        yield Item(path, size_of(path), why)


def _prepared_items(places: Places) -> Iterator[Item]:
    home = places.prepared
    now = time.time()
    for path in sorted(home.glob("photos-*.partial")):
        if now - path.stat().st_mtime > DAY_S:
            yield Item(path, size_of(path), "left by a process that was killed")
    decoded = sorted(decoded_files(home), key=lambda path: path.stat().st_mtime)
    over = sum(size_of(path) for path in decoded) - as_bytes(places.budgets.prepared_gb)
    for path in decoded:
        if over <= 0:
            break
        if is_held(path):
            continue  # a training reads it
        over -= size_of(path)
        yield Item(
            path, size_of(path), "over the budget storage.prepared_gb; made again when needed",
            remove=partial(_forget_decoded, path),
        )  # fmt: skip
    measures, budget = home / MEASURES, round(places.budgets.measured_mb * MB)
    if (size := size_of(measures)) > budget:
        yield Item(
            measures, size - budget, "over the budget storage.measured_mb; its oldest entries go",
            remove=partial(forget_measures, measures, budget),
        )  # fmt: skip


def _forget_decoded(path: Path) -> None:
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # whoever reads it holds it
        path.unlink()
        path.with_suffix(".json").unlink(missing_ok=True)


def forget_measures(path: Path, budget_bytes: int) -> None:
    """Shrink the cache of measured photos: what was measured longest ago goes first.

    Raises:
        sqlite3.Error: a process holds it, or it is damaged.
    """
    with closing(sqlite3.connect(path, timeout=5)) as cache:
        size = path.stat().st_size
        n_records = cache.execute("SELECT count(*) FROM records").fetchone()[0]
        gone = n_records - int(n_records * 0.9 * budget_bytes / size)
        with cache:
            cache.execute(
                "DELETE FROM records WHERE rowid IN "
                "(SELECT rowid FROM records ORDER BY rowid LIMIT ?)",
                (gone,),
            )
            cache.execute("DELETE FROM files WHERE sha256 NOT IN (SELECT sha256 FROM records)")
        cache.execute("VACUUM")
        cache.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _published_items(places: Places) -> Iterator[Item]:
    home, champion = versions_home(places.stores), Path(places.stores.champion)
    over = size_of(home) - as_bytes(places.budgets.published_gb)
    serving = champion.resolve()
    folders = [path for path in home.glob("*/*") if path.name.isdigit() and path.is_dir()]
    kept = {name: _champions(places.stores, name) for name in {p.parent.name for p in folders}}
    for path in sorted(folders, key=lambda path: path.stat().st_mtime):
        if over <= 0:
            return
        needed = kept[path.parent.name]
        if path.resolve() == serving or needed is None or int(path.name) in needed:
            continue
        over -= size_of(path)
        yield Item(
            path, size_of(path),
            "over the budget storage.published_gb; fetched again from the registry when wanted",
            remove=partial(_forget_published, path, places.stores),
        )  # fmt: skip


def _forget_published(path: Path, stores: StoresConfig) -> None:
    """Delete a version's folder, unless it has just become the champion or the one before."""
    from sparrow.registry.champion_lock import champion_lock

    name, champion = path.parent.name, Path(stores.champion)
    with champion_lock(champion, stores.promotion_log, name):
        needed = _champions(stores, name)
        if needed is None or int(path.name) in needed or champion.resolve() == path.resolve():
            raise OSError(f"{path} is in use again")
        shutil.rmtree(path)


def _monitoring_items(places: Places) -> Iterator[Item]:
    """Pages of the monitor's runs, the oldest first; of the newest run they stay."""
    home = Path(places.stores.monitoring)
    over = size_of(home) - as_bytes(places.budgets.monitoring_gb)
    for folder in sorted(path.parent for path in home.glob(f"*/{VERDICT}"))[:-1]:
        for path in sorted(folder.iterdir()):
            if over <= 0:
                return
            if path.name == VERDICT:
                continue  # what later pages show of the past
            over -= size_of(path)
            yield Item(path, size_of(path), "over the budget storage.monitoring_gb")


def _champions(stores: StoresConfig, name: str) -> set[int] | None:
    """A model's champion and the one before it, as the log says; None where it says nothing."""
    from sqlalchemy.exc import SQLAlchemyError

    from sparrow.registry.promotion_log import PromotionLog

    url = stores.promotion_log
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    try:
        with closing(PromotionLog(url, name)) as log:
            entries = log.entries()
    except (SQLAlchemyError, ValueError, RuntimeError):
        return None
    if not entries:
        return None
    last = entries[-1]
    return {number for number in (last.from_version, last.to_version) if number is not None}
