"""A real service of its own for the attacks, once without a key and once with one."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # what the tests of this folder share

from attacked import Attacked, Start, attacked_service  # noqa: E402


@pytest.fixture(scope="session")
def honest_photo() -> bytes:
    """Noise: what is found in it means nothing, but it is counted."""
    stream = io.BytesIO()
    noise = np.random.default_rng(3).integers(0, 255, (160, 200, 3), np.uint8)
    Image.fromarray(noise).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture(scope="session")
def start(
    model_folder: Path, honest_photo: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Start:
    """What starts a service for one test alone."""

    def starter(*, key: bool = False, settings: dict[str, Any] | None = None) -> Any:
        home = tmp_path_factory.mktemp("attacked")
        return attacked_service(home, model_folder, honest_photo, key=key, settings=settings)

    return starter


@pytest.fixture(scope="module", params=[False, True], ids=["open", "key"])
def service(request: pytest.FixtureRequest, start: Start) -> Iterator[Attacked]:
    with start(key=request.param) as running:
        yield running
