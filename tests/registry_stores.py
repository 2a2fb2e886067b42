"""Where the tests of the registry keep its stores."""

from __future__ import annotations

from pathlib import Path

from sparrow.config import StoresConfig


def stores_in(root: Path, artifacts: Path) -> StoresConfig:
    """Every store below ``root``, artifacts below ``artifacts``."""
    return StoresConfig(
        tracking=f"sqlite:///{root}/mlflow.db",
        artifacts=str(artifacts),
        promotion_log=f"sqlite:///{root}/promotions.db",
        champion=str(root / "champion"),
    )
