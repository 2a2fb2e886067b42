"""A project folder that was moved or copied: its own files are read and written, nobody else's."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from registry_stores import stores_in

from sparrow.config import StoresConfig
from sparrow.registry.moved_store import MovedStoreError, follow_move
from sparrow.registry.registry import Registry
from sparrow.registry.tracking import make_client, start_run

NAME = "test-detector"
ADDRESSES = """SELECT artifact_location FROM experiments UNION SELECT artifact_uri FROM runs
UNION SELECT artifact_location FROM logged_models UNION SELECT storage_location FROM model_versions
"""


def addresses(root: Path) -> set[str]:
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        return {address for (address,) in database.execute(ADDRESSES)}


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def original(stores: StoresConfig, artifacts: Path, tmp_path: Path) -> Path:
    """A project's folder with three registered versions."""
    make_client(stores)  # the fixture copied it, too
    home = tmp_path / "original"
    home.mkdir()
    shutil.move(artifacts, home / "artifacts")
    shutil.move(tmp_path / "mlflow.db", home / "mlflow.db")
    make_client(stores_in(home, home / "artifacts"))
    return home


def test_no_database_and_one_that_stayed_are_left_alone(original: Path, tmp_path: Path) -> None:
    follow_move(tmp_path / "none.db", tmp_path / "artifacts")
    assert not (tmp_path / "none.db").exists()
    before = files(original)
    follow_move(original / "mlflow.db", original / "artifacts")
    assert files(original) == before


@pytest.mark.parametrize("take", [shutil.copytree, shutil.move])
def test_a_training_in_a_copy_or_a_moved_folder_writes_there_and_nowhere_else(
    original: Path,
    folders: list[Path],
    tmp_path: Path,
    take: Callable[[Path, Path], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = files(original)
    home = tmp_path / "another" / "place"
    home.parent.mkdir()
    take(original, home)
    stores = stores_in(home, home / "artifacts")
    registry = Registry(stores, NAME)
    assert f"the project was in {original} and is in {home} now" in caplog.text
    assert all(home.as_posix() in address for address in addresses(home) if NAME in address)
    run = start_run(registry.client, NAME, stores.artifacts, home / "note-2")
    registry.client.log_text(run, "mine", "words.txt")
    assert registry.register(folders[0], run, "run/4", {}).number == 4
    for version in registry.versions():
        assert registry.fetch(version.number).is_relative_to(home)
    assert not any(original.as_uri() in address for address in addresses(home))
    assert files(original) == (before if take is shutil.copytree else {})
    assert len(list(home.rglob("words.txt"))) == 1
    caplog.clear()
    make_client(stores)
    assert caplog.text == ""  # said once


def test_a_copy_of_the_database_alone_is_refused_and_nothing_is_written(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "copy"
    home.mkdir()
    shutil.copy(original / "mlflow.db", home)
    before = files(home)
    monkeypatch.chdir(home)
    with pytest.raises(MovedStoreError, match=r"files of its runs and models are\s+only there"):
        follow_move(Path("mlflow.db"), Path("artifacts"))
    # One that is named by its whole path may belong to several projects.
    follow_move(home / "mlflow.db", home / "artifacts")
    assert files(home) == before


def test_what_is_only_in_the_other_folder_stays_readable(
    original: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "copy"
    shutil.copytree(original, home)
    (lost, *_) = (home / "artifacts" / "models").iterdir()
    shutil.rmtree(lost)  # as an earlier release left it, which wrote into the original
    registry = Registry(stores_in(home, home / "artifacts"), NAME)
    assert "2 of them stay in the other folder" in caplog.text  # a model and its version
    assert len([registry.fetch(number) for number in (1, 2, 3)]) == 3


def test_other_places_in_the_config_are_no_move(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(original)
    monkeypatch.chdir(original)
    for place in ("elsewhere", "elsewhere/artifacts"):
        follow_move(Path("mlflow.db"), Path(place))
    (tmp_path / "link").symlink_to(original)
    monkeypatch.chdir(tmp_path / "link")
    follow_move(Path("mlflow.db"), Path("artifacts"))
    shared = tmp_path / "project"
    (shared / "artifacts").mkdir(parents=True)
    follow_move(original / "mlflow.db", shared / "artifacts")
    assert files(original) == before


def test_a_database_that_cannot_be_written_is_refused(
    original: Path, read_only_folder: Callable[[Path], Path]
) -> None:
    home = read_only_folder(original)
    with pytest.raises(
        MovedStoreError, match="moved or copied, and they cannot be read or changed"
    ):
        follow_move(home / "mlflow.db", home / "artifacts")
