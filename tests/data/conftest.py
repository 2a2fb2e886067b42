"""The config of every test of data."""

from __future__ import annotations

import pytest

from sparrow.config import DataConfig


@pytest.fixture
def config(data_config: DataConfig) -> DataConfig:
    """Everything below ``tmp_path``."""
    return data_config
