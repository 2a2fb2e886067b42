"""What is compared: which photos of the log, read within bounds, and what else the log holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from monitoring.tiled_photos import without_tiled
from sparrow.config import MonitoringConfig
from sparrow.database_errors import StoreError, reason
from sparrow.inference.model_folder import INFO, REFERENCE, read_info
from sparrow.predictions.hours import count_photos, narrowed
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import photos_table
from sparrow.predictions.photo_filter import PhotoFilter
from sparrow.predictions.window import Window, read_reference, read_window
from sparrow.served_settings import registered_version
from sparrow.store_url import StoreURLError, hide_secrets, resolve

CLOCKS_APART = timedelta(minutes=10)  # between the hosts that write the log and this one


class MonitoringError(RuntimeError):
    """There can be no verdict; the message says what is missing and what to do."""


@dataclass(frozen=True)
class MonitoredModel:
    """A model version and what it is compared with.

    Attributes:
        trained_at: aware; photos from before it were counted by another model that had this number,
            in a registry of before. None where that is not known.
        classes: that it knows.
    """

    name: str
    version: str
    folder: Path
    trained_at: datetime | None = None
    classes: tuple[str, ...] = ()

    @property
    def since(self) -> datetime | None:
        """From when on photos can be this model's."""
        return None if self.trained_at is None else self.trained_at - CLOCKS_APART

    def reference(self) -> Window:
        """Its ``reference.parquet``.

        Raises:
            MonitoringError: there is none, or it cannot be read.
        """
        path = self.folder / REFERENCE
        if not path.is_file():
            raise MonitoringError(
                f"the model in {self.folder} has no {REFERENCE}: it is a starter, which no "
                "labelled photo was tested on, or was trained before there were references. Train "
                "on your own boxes, and the next champion brings its own"
            )
        try:
            return read_reference(path)
        except (OSError, ValueError) as error:
            raise MonitoringError(f"{path} is not a reference: {error}") from error


@dataclass(frozen=True, eq=False)
class Observation:
    """The photos to compare.

    Attributes:
        window: what was read of them, oldest first; the newest ones without a gap.
        n_photos: how many there are; more than were read where there are too many for memory.
        n_future: photos of this version whose times are in the future, and were set aside.
        set_aside: these and the photos of another model under this number, in words; "" where there
            are none.
    """

    window: Window
    n_photos: int
    n_future: int = 0
    set_aside: str = ""


def monitored_model(champion: Path, version: str | None) -> MonitoredModel:
    """The champion, or another published version of it.

    Args:
        champion: the published folder, or the link to it (``stores.champion``).
        version: number of a version; None takes the champion.

    Raises:
        MonitoringError: there is no such model.
        ModelFolderError: its folder is damaged.
    """
    folder = champion.resolve()
    if version is not None and folder.name != version:
        folder = folder.parent / version
    if not (folder / INFO).is_file():
        if version is None:
            raise MonitoringError(
                f"there is no champion in {champion}. Train one with `make train`, or name its "
                "place with --set stores.champion=FOLDER"
            )
        known = sorted(path.parent.name for path in folder.parent.glob(f"*/{INFO}"))
        raise MonitoringError(
            f"there is no published version {version} beside {champion}; published: "
            f"{', '.join(known) or 'none'}"
        )
    info = read_info(folder)
    version, when = registered_version(folder), _when(info.trained_at)
    return MonitoredModel(info.name, version, folder, when, info.class_names)


@contextmanager
def open_log(url: str) -> Iterator[PredictionLog]:
    """A log that exists, to read; nothing is made where there is none, and nothing is changed.

    Raises:
        MonitoringError: it is missing, locked, or cannot be reached; also raised for what is
            done with it inside the ``with``.
    """
    log = None
    try:
        where = make_url(resolve(url))
        if where.get_backend_name() == "sqlite" and not Path(where.database or "").is_file():
            raise MonitoringError(
                f"there is no prediction log at {hide_secrets(url)}. It is made when the service "
                "counts its first photo; is stores.prediction_log the one that the service writes?"
            )
        log = PredictionLog(url, read_only=True)
        yield log
    except StoreError as error:
        raise MonitoringError(f"{error}. There is no verdict") from error
    except (SQLAlchemyError, ImportError, StoreURLError) as error:
        raise MonitoringError(
            f"the prediction log {hide_secrets(url)} cannot be read: {reason(error)}. There "
            "is no verdict; run again when it is free and reachable"
        ) from error
    finally:
        if log is not None:
            log.close()


def observe(
    log: PredictionLog, model: MonitoredModel, config: MonitoringConfig, now: datetime | None = None
) -> Observation:
    """Read the window that config asks for, by count or by time.

    A window of more than ``max_photos`` is read in part: its newest photos (as many as the largest
    nested window has) without a gap, and of those before them an even, random sample.
    """
    now = now or datetime.now(UTC)
    mine = PhotoFilter(model.name, model.version)
    n_future, words = _future(log, mine, now)
    future = n_future, " ".join(filter(None, [words, _of_another_model(log, mine, model)]))
    mine = replace(mine, since=model.since, until=now + CLOCKS_APART)
    if config.window_days is not None:
        since = now - timedelta(days=config.window_days)
        mine = replace(mine, since=max(since, model.since) if model.since else since)
    mine = narrowed(log, mine)
    n_photos = count_photos(log, mine)
    if config.window_days is None:
        n_photos = min(n_photos, config.window_photos)
    window, n_tiled, tiled = without_tiled(log, _read(log, mine, n_photos, config))
    n_future, words = future
    words = " ".join(filter(None, [words, tiled]))
    return Observation(window, n_photos - n_tiled, n_future, words)


def _read(log: PredictionLog, mine: PhotoFilter, n_photos: int, config: MonitoringConfig) -> Window:
    """The newest ``n_photos``, or at most ``max_photos`` of them."""
    if n_photos <= config.max_photos:
        return read_window(log, mine, limit=n_photos)
    dense = min(config.windows[-1], config.max_photos)
    newest = read_window(log, mine, limit=dense)
    thin = config.max_photos - dense
    fraction = thin / (n_photos - dense)
    before = replace(
        mine,
        until=newest.photos["time"].iloc[0].to_pydatetime(),
        fraction=fraction,
        is_sparse=fraction * count_photos(log) < n_photos,
    )
    return _joined(read_window(log, before, limit=thin), newest)


def _future(log: PredictionLog, mine: PhotoFilter, now: datetime) -> tuple[int, str]:
    """How many photos have times in the future, and what to make of them, in words.

    A clock that was ahead once has written them. As the newest photos of every window they would
    hide what happens now, until that time.
    """
    table = photos_table.c
    query: Any = select(func.count().label("photos"), func.max(table.time).label("last"))
    future = log.rows(query.where(*replace(mine, since=now + CLOCKS_APART).clauses()))[0]
    if not future["photos"]:
        return 0, ""
    return int(future["photos"]), (
        f"{future['photos']} photos were set aside: their times are in the future, up to "
        f"{future['last']:%Y-%m-%d %H:%M} UTC (it is {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC). "
        "Was the clock of the service ahead, or is the one here behind?"
    )


def _of_another_model(log: PredictionLog, mine: PhotoFilter, model: MonitoredModel) -> str:
    """What the log holds of a model that had this name and number before this one was trained."""
    if model.since is None:
        return ""
    n_photos = count_photos(log, replace(mine, until=model.since))
    if not n_photos:
        return ""
    return (
        f"{n_photos} photos were set aside: they were counted before this {model.name} version "
        f"{model.version} was trained ({model.trained_at:%Y-%m-%d %H:%M} UTC), by another model "
        "with its number."
    )


def _when(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def other_versions(log: PredictionLog, model: MonitoredModel) -> str:
    """What else the log holds, in words; empty where there is nothing else."""
    others = [
        f"{row['photos']} photos of {row['model_name']} version {row['model_version']}"
        for row in log.model_versions()
        if (row["model_name"], row["model_version"]) != (model.name, model.version)
    ]
    return f"The log holds {', '.join(others[:5])}." if others else ""


def _joined(older: Window, newer: Window) -> Window:
    names = (field.name for field in fields(Window))
    pairs = ((getattr(older, name), getattr(newer, name)) for name in names)
    return Window(*(pd.concat([a, b], ignore_index=True) if len(a) else b for a, b in pairs))
