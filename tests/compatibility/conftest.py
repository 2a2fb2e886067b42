"""A working folder that an earlier commit left behind, copied for every test, and what that commit
made of it.
"""

from __future__ import annotations

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import Config, StoresConfig, make_config

HERE = Path(__file__).parent
ARCHIVE = HERE / "made_by_55232ce.tar.xz"
# MLflow writes whole addresses, and a person's stores stay where they are. Only this copy moves.
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


@pytest.fixture(scope="session")
def expected() -> dict[str, Any]:
    """What the earlier commit made of the sample."""
    values: dict[str, Any] = json.loads((HERE / "expected.json").read_text())
    return values


@pytest.fixture
def home(expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample as the working folder, in a place of its own."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    with closing(sqlite3.connect(tmp_path / ".sparrow" / "mlflow.db")) as database, database:
        for table, column in ADDRESSES:
            change = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            database.execute(change, (expected["root"], str(tmp_path)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def config(home: Path, expected: dict[str, Any]) -> Config:
    """Of the project. Its addresses are whole: MLflow keeps what it opened by address, and the next
    test's working folder is another one.
    """
    state = home / ".sparrow"
    stores = StoresConfig(
        tracking=f"sqlite:///{state}/mlflow.db",
        artifacts=str(state / "artifacts"),
        tuning=f"sqlite:///{state}/optuna.db",
        promotion_log=f"sqlite:///{state}/promotions.db",
        prediction_log=f"sqlite:///{state}/predictions.db",
        runs=str(state / "runs"),
        champion=str(state / "champion"),
        monitoring=str(state / "monitoring"),
    )
    name = expected["config"]["name"]
    return make_config({"name": name, "stores": stores.model_dump(mode="json")})
