"""A host where nobody promotes gets each champion by the promotion log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sparrow.config import StoresConfig
from sparrow.inference.model_folder import INFO, sha256_of
from sparrow.registry.follow import Follower
from sparrow.registry.registry import Registry
from sparrow.registry.versions import RegistryError
from sparrow.served_settings import ServedSettings, read_served_settings

pytestmark = pytest.mark.slow
NAME = "test-detector"


def test_each_champion_of_another_host_comes_with_its_settings(
    stores: StoresConfig, folders: list[Path], tmp_path: Path
) -> None:
    """One that the store does not return now is asked for again."""
    here = stores.model_copy(update={"champion": str(tmp_path / "other host" / "champion")})
    served, there = Path(here.champion), Registry(stores, NAME)
    follower = Follower(Registry(here, NAME), ServedSettings(name=NAME, stores=here))
    assert follower.update() == "test-detector has no champion yet"
    for number in (2, 3):
        there.promote(number, "better")
        away = shutil.move(tmp_path / "artifacts", tmp_path / "away")
        with pytest.raises(RegistryError):
            follower.update()
        shutil.move(away, tmp_path / "artifacts")
        assert follower.update() == f"{served}: version {number}"
        assert follower.update() == ""  # nothing has changed
        assert sha256_of(served / INFO) == sha256_of(folders[number - 1] / INFO)
    settings = read_served_settings(served)
    assert settings is not None
    assert settings.stores.champion == here.champion
