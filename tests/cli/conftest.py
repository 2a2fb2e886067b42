"""A model for what the commands do around it: of kilobytes, and loaded in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_model import write_light_meter

from sparrow.inference.model_folder import ENGINE, read_info, write_info

# So that the whole row of boxes lies within every photo.
SIDES = {"min_side_px": 128, "max_side_px": 192}


@pytest.fixture(autouse=True)
def nobody_names_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the developer's environment nor a test that ran `sparrow page` in this process."""
    for name in ("SPARROW_MODEL", "SPARROW_CONFIG"):
        monkeypatch.setenv(name, "")  # so that what a test leaves in its place is taken back
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def model_folder(
    write_small_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Version 1 of a published model that counts more in brighter photos. Read only.

    In the drawn photos it finds a few, in hardly two of them as many.
    """
    home = tmp_path_factory.mktemp("light-meter")
    folder = write_small_model(home / "champion.versions" / "1", threshold=0.25, **SIDES)
    write_light_meter(folder / ENGINE, tuple(np.linspace(0.9, 0.3, 12)))
    write_info(folder, read_info(folder, verify=False))
    (home / "champion").symlink_to("champion.versions/1", target_is_directory=True)
    return home / "champion"
