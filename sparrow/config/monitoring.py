"""The monitor."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sparrow.config.base import Count, Fraction, Section


class MonitoringConfig(Section):
    """Watching production: ``flows/monitor.py``."""

    false_alarm_rate: Fraction = (
        0.05  # of one run without drift, over all columns and windows together
    )
    windows: tuple[Count, ...] = (25, 100, 400, 1600)  # each run tests the newest so many photos
    window_photos: Count = 2000  # the newest so many photos make the window ...
    window_days: Annotated[float, Field(gt=0)] | None = None  # ... or all of so many days
    max_photos: Count = 20_000  # read into memory; of a larger window an even sample
    error_fraction: Fraction = (
        0.02  # of photos that cannot be counted; more, beyond chance, is drift
    )
    # Of the median of the newest windows[0] photos, from bytes to boxes; null: no limit.
    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    on_drift: Literal["report", "train"] = "report"  # train: start flows/train.py on this machine
    cooldown_hours: Annotated[float, Field(gt=0)] = 24.0  # no second start within so many

    @model_validator(mode="after")
    def _windows_grow(self) -> MonitoringConfig:
        if not self.windows or list(self.windows) != sorted(set(self.windows)):
            raise ValueError("windows must name at least one number of photos, smallest first")
        return self
