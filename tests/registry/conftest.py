"""An MLflow store with three registered versions, copied for every test that changes it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from registry_stores import stores_in

from sparrow.config import StoresConfig
from sparrow.registry.moved_store import follow_move

NAME = "test-detector"


@pytest.fixture(scope="session")
def folders(
    write_small_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Three model folders that differ in their threshold: 0.1, 0.2, 0.3. Read only."""
    root = tmp_path_factory.mktemp("folders")
    return [write_small_model(root / str(one), threshold=one / 10) for one in (1, 2, 3)]


@pytest.fixture(scope="session")
def filled(
    folders: list[Path], empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A root whose ``mlflow.db`` knows the three folders as versions 1, 2, 3. Read only."""
    from sparrow.registry.registry import Registry
    from sparrow.registry.tracking import make_client, start_run

    root = tmp_path_factory.mktemp("stores")
    shutil.copy(empty_mlflow, root)
    stores = stores_in(root, root / "artifacts")
    client = make_client(stores)
    run = start_run(client, NAME, stores.artifacts, root / "note")
    registry = Registry(stores, NAME)
    for number, folder in enumerate(folders, 1):
        registry.register(folder, run, f"run/{number}", {"config": "abc"})
    return root


@pytest.fixture
def stores(filled: Path, tmp_path: Path) -> StoresConfig:
    """The store with three versions, no champion and an empty log; free to change.

    So are its artifacts: a test that registers a version writes beside those of the three.
    """
    shutil.copy(filled / "mlflow.db", tmp_path / "mlflow.db")
    copy = tmp_path / "artifacts"
    shutil.copytree(filled / "artifacts", copy)
    follow_move(tmp_path / "mlflow.db", copy)
    return stores_in(tmp_path, copy)


@pytest.fixture
def artifacts(stores: StoresConfig) -> Path:
    """The versions' artifacts: the test's own."""
    return Path(stores.artifacts)


@pytest.fixture
def stored(artifacts: Path, tmp_path: Path) -> Callable[[int], Path]:
    """The stored model folder of a version, among the test's own artifacts."""

    def find(number: int) -> Path:
        where = "SELECT storage_location FROM model_versions WHERE name = ? AND version = ?"
        with sqlite3.connect(tmp_path / "mlflow.db") as database:
            (place,) = database.execute(where, (NAME, number)).fetchone()
        database.close()
        folder = Path(place.removeprefix("file://")) / "model"
        assert folder.is_relative_to(artifacts)
        return folder

    return find
