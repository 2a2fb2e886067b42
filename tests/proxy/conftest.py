"""A service behind a proxy; it is started as the attacked one is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "attack")]  # what the tests of these folders share

from proxied import Behind  # noqa: E402


@pytest.fixture(scope="session")
def behind(
    model_folder: Path, drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Behind:
    """What starts a service behind a proxy for one test."""
    photo = next((drawn_dataset / "images").iterdir()).read_bytes()
    return Behind(model_folder, photo, tmp_path_factory)
