"""What every test relies on: no telemetry, one thread a library, no screen, and drawn photos."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Libraries read these when they are imported, so they are set before any test module is. The flows,
# servers and workers that tests start inherit them.
os.environ.update(
    {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "BENTOML_DO_NOT_TRACK": "True",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "METAFLOW_USER": "test",
        "MPLBACKEND": "Agg",
        # On a busy machine two threads a library are slower than one by an order of magnitude.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
)


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of 24 drawn photos with their tables, in the layout of ``data/raw``. Read only."""
    from sparrow.data.generate import generate_dataset

    root = tmp_path_factory.mktemp("drawn") / "raw"
    generate_dataset(root, photos=24, seed=7)
    return root
