"""What ends a run where two sets of photos are compared, and what of it is accepted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sparrow.config.base import Fraction, Section

ComparisonRule = Literal[
    "new-shared-photos", "new-drift", "shared-photos", "shared-groups", "size-ratio", "split-drift",
]  # fmt: skip
Ratio = Annotated[float, Field(gt=0)]


class ChecksConfig(Section):
    """New photos against the raw set (``new-…``), and test photos against training photos."""

    # Findings that do not end a run: names of rules, as the message of a run that ended has them.
    accept: tuple[ComparisonRule, ...] = ()
    min_size_ratio: Ratio | None = None  # test photos a training photo; null: half of what split
    max_size_ratio: Ratio | None = None  # ... asks for, and twice as many
    # Of a feature: Wasserstein distance in standard deviations (Jensen-Shannon for a source or
    # licence). Only a difference beyond it that chance does not explain either ends a run.
    max_drift: Annotated[float, Field(ge=0)] = 0.1
    false_alarm_rate: Fraction = 0.01  # of a comparison without drift, over all its features

    @model_validator(mode="after")
    def _limits_in_order(self) -> ChecksConfig:
        low, high = self.min_size_ratio, self.max_size_ratio
        if low is not None and high is not None and low > high:
            raise ValueError("min_size_ratio must not exceed max_size_ratio")
        return self
