"""MLflow's database before its first run."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tables and no row. To be copied: making them takes seconds."""
    from sparrow.config import StoresConfig
    from sparrow.registry.tracking import make_client

    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    make_client(StoresConfig(tracking=f"sqlite:///{path}")).search_registered_models()
    return path
