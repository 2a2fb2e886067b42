"""The service in the tests' own process; its settings are read once, when it is imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def log_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('log')}/predictions.db"


@pytest.fixture(scope="session")
def client(
    model_folder: Path, log_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    config = tmp_path_factory.mktemp("config") / "service.yaml"
    config.write_text(
        f"stores: {{prediction_log: '{log_url}'}}\n"
        "service: {max_photos: 4, max_request_mb: 2.0}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARROW_MODEL", str(model_folder))
        patch.setenv("SPARROW_CONFIG", str(config))
        from service.app import Sparrow

        with TestClient(Sparrow.to_asgi()) as client:
            yield client


@pytest.fixture(scope="session")
def photos(drawn_dataset: Path) -> list[Path]:
    return sorted((drawn_dataset / "images").iterdir())[:3]
