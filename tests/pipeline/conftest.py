"""What several tests of the pipeline start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparrow.config import StoresConfig


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database without a run; making its tables takes seconds."""
    from sparrow.registry.tracking import make_client

    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    make_client(StoresConfig(tracking=f"sqlite:///{path}")).search_registered_models()
    return path
