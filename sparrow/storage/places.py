"""How much disk space runs, caches and published models take, and how some of it is deleted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparrow.config import Config, StorageConfig, StoresConfig
from sparrow.storage.run_lock import LINK, is_under_way

GB, MB = 1e9, 1e6
DAY_S = 86_400.0
REPORT = "report.json"
MEASURES = "photos.sqlite"


@dataclass(frozen=True)
class Places:
    """Folders that take disk space, and how much they may take."""

    stores: StoresConfig
    prepared: Path
    budgets: StorageConfig


@dataclass(frozen=True)
class Use:
    """Disk use of one kind of files."""

    what: str
    place: str
    n_bytes: int
    budget_bytes: int | None  # None: nothing of it is ever deleted here


@dataclass(frozen=True)
class Item:
    """Something that can be deleted."""

    path: Path
    n_bytes: int
    why: str
    by_itself: bool = True  # False: only by a person's order
    remove: Callable[[], None] | None = None  # None: the file or folder is deleted


def places_of(config: Config) -> Places:
    """Those of a config."""
    return Places(config.stores, Path(config.data.prepared), config.storage)


def known_places(stores: StoresConfig) -> Places:
    """Those that the newest run noted; the defaults where none has run yet."""
    runs = read_runs(Path(stores.runs))
    noted = runs[-1].report if runs else {}
    defaults = Config()
    budgets = StorageConfig(**noted["storage"]) if "storage" in noted else defaults.storage
    return Places(stores, Path(noted.get("prepared", defaults.data.prepared)), budgets)


def note_places(config: Config) -> dict[str, Any]:
    """What a run's report holds for ``known_places`` to read."""
    return {"prepared": config.data.prepared, "storage": config.storage.model_dump(mode="json")}


def measure_use(places: Places) -> list[Use]:
    """Disk use by kind, in bytes."""
    stores, budgets, prepared = places.stores, places.budgets, places.prepared
    measures = prepared / MEASURES
    uses = [
        Use("runs", stores.runs, size_of(Path(stores.runs)), as_bytes(budgets.runs_gb)),
        Use(
            "decoded photos", str(prepared), sum(size_of(path) for path in decoded_files(prepared)),
            as_bytes(budgets.prepared_gb),
        ),
        Use("measured photos", str(measures), size_of(measures), round(budgets.measured_mb * MB)),
        Use(
            "published models", str(versions_home(stores)), size_of(versions_home(stores)),
            as_bytes(budgets.published_gb),
        ),
    ]  # fmt: skip
    monitoring = Path(stores.monitoring)
    pages = Use("monitoring", str(monitoring), size_of(monitoring), as_bytes(budgets.monitoring_gb))
    uses.append(pages)
    if "://" not in stores.artifacts:
        uses.append(
            Use("registered models", stores.artifacts, size_of(Path(stores.artifacts)), None)
        )
    uses.append(Use("Metaflow's data", ".metaflow", size_of(Path(".metaflow")), None))
    bentos = Path(os.environ.get("BENTOML_HOME", "~/bentoml")).expanduser() / "bentos"
    uses.append(Use("Bentos", str(bentos), size_of(bentos), None))
    return uses


def remove(items: Sequence[Item]) -> list[Item]:
    """Delete them; what could not be deleted is left out of what is returned."""
    done = []
    for item in items:
        try:
            if item.remove is not None:
                item.remove()
            elif item.path.is_dir() and not item.path.is_symlink():
                shutil.rmtree(item.path)
            else:
                item.path.unlink()
        except (OSError, sqlite3.Error):
            continue
        done.append(item)
    return done


def describe(item: Item) -> str:
    """One line for people."""
    return f"{in_words(item.n_bytes):>8}  {item.path}: {item.why}"


def in_words(n_bytes: float) -> str:
    """Bytes as MB or GB."""
    return f"{n_bytes / GB:.2f} GB" if n_bytes >= 0.1 * GB else f"{n_bytes / MB:.1f} MB"


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links are not followed, nothing counts 0."""
    try:
        if path.is_symlink() or not path.is_dir():
            return path.lstat().st_size
    except OSError:
        return 0
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += (Path(folder) / name).lstat().st_size
            except OSError:
                continue  # it has just gone
    return total


@dataclass(frozen=True)
class Run:
    """A run's folder, and what its report says."""

    folder: Path
    report: dict[str, Any]
    at: float  # when its report was written

    @property
    def finished(self) -> bool:
        """Whether it finished."""
        return bool(self.report.get("state") == "finished")

    def is_busy(self) -> bool:
        """Whether a process may still work on it; on a cluster, without a lock, for a day."""
        if is_under_way(self.folder):
            return True
        return not self.finished and not (self.folder / LINK).is_symlink() and (
            time.time() - self.at < DAY_S
        )  # fmt: skip


def read_runs(home: Path) -> list[Run]:
    """All runs that left a report, oldest first."""
    runs = []
    for path in home.glob(f"*/{REPORT}"):
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            runs.append(Run(path.parent, report, path.stat().st_mtime))
        except (OSError, ValueError):
            continue  # nobody knows what it is: it stays
    return sorted((run for run in runs if isinstance(run.report, dict)), key=lambda run: run.at)


def decoded_files(home: Path) -> list[Path]:
    """The caches of decoded photos (``sparrow.training.decoded_photos``)."""
    return list(home.glob("photos-*.bin"))


def versions_home(stores: StoresConfig) -> Path:
    """The folder of published models, ``<name>/<number>`` each."""
    champion = Path(stores.champion)
    return champion.with_name(champion.name + ".versions")


def as_bytes(gigabytes: float) -> int:
    """Bytes of a budget."""
    return round(gigabytes * GB)
