"""Where things are kept, and how much of the disk they may take."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sparrow.config.base import Section
from sparrow.store_url import hide_secrets, holds_secret


class StoresConfig(Section):
    """Where state lives: a URL or a path each, with an embedded default.

    A secret stands in none of them: ``postgresql://user:${DB_PASSWORD}@host/name`` takes it from
    the environment when the store is opened. PGPASSWORD and a passfile do, too.
    """

    tracking: str = "sqlite:///.sparrow/mlflow.db"
    registry: str | None = None  # null: the tracking store
    artifacts: str = ".sparrow/artifacts"  # MLflow's artifact root for a new experiment
    tuning: str = "sqlite:///.sparrow/optuna.db"
    promotion_log: str = "sqlite:///.sparrow/promotions.db"
    prediction_log: str = "sqlite:///.sparrow/predictions.db"
    runs: str = ".sparrow/runs"  # checkpoints and model folders of each run
    champion: str = ".sparrow/champion"  # what `bentoml serve` in the repo root serves
    monitoring: str = ".sparrow/monitoring"  # a folder for each run of `flows/monitor.py`
    data: str | None = (
        None  # where `sparrow data push` brings the data: a folder, s3://bucket/prefix
    )

    # For hosts that share no folder: where data set, runs and pages are kept; the folders of the
    # config are then copies. null: the folders are what there is.
    state: str | None = None  # s3://bucket/prefix, or a shared folder

    @model_validator(mode="after")
    def _no_secret_is_written_down(self) -> Self:
        for name, url in self:
            if isinstance(url, str) and holds_secret(url):
                raise ValueError(
                    f"{name}: a password stands in {hide_secrets(url)}; configs go into models, "
                    "runs and logs. Write ${NAME} in its place, and set that environment variable"
                )
        for name in ("artifacts", "runs", "champion", "monitoring", "data", "state"):
            if "${" in (getattr(self, name) or ""):
                raise ValueError(
                    f"{name}: no variable is put in here; an object store's own variables "
                    "(AWS_ACCESS_KEY_ID and the like) hold its secrets"
                )
        return self


class StorageConfig(Section):
    """How much may stay on this machine's disk; what is over a budget goes when a run ends.

    What was used longest ago goes first, and each thing that goes is named. The champion, the one
    before it, the newest run and whatever a process works on stay, budget or not; MLflow's
    artifacts, which hold every registered version, are never touched. ``sparrow status`` shows what
    takes how much, ``sparrow clean`` what could go now.
    """

    runs_gb: Annotated[float, Field(ge=0)] = 10.0  # of stores.runs
    prepared_gb: Annotated[float, Field(ge=0)] = 20.0  # decoded photos in data.prepared
    measured_mb: Annotated[float, Field(ge=0)] = 500.0  # measures of photos, there too: 1 KB each
    published_gb: Annotated[float, Field(ge=0)] = 3.0  # versions beside stores.champion
    monitoring_gb: Annotated[float, Field(ge=0)] = 1.0  # pages in stores.monitoring; verdicts stay
