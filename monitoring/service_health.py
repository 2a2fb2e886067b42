"""How the service does: photos that could not be counted, and the time a photo takes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from monitoring.columns import Floats
from monitoring.messages import latency_in_words
from monitoring.null import strength_of
from monitoring.ranks import Ints
from monitoring.verdict import ColumnChange
from sparrow.config import MonitoringConfig


def error_strengths(errors: Ints, photos: Ints, share: float) -> Floats:
    """Of so many errors or more where ``share`` is usual, by the exact binomial distribution."""
    from scipy.special import bdtrc

    return strength_of(np.where(errors > 0, bdtrc(np.maximum(errors, 1) - 1, photos, share), 1.0))


def drawn_error_strengths(config: MonitoringConfig, pairs: int, seed: int) -> Floats:
    """[pairs, looks] of errors that come at just the usual share: their part of the null."""
    rng = np.random.default_rng([seed, 1])
    sizes = np.array(config.windows)
    blocks = np.diff(sizes, prepend=0)
    errors = rng.binomial(blocks, config.error_fraction, size=(pairs, len(blocks)))
    return error_strengths(errors.cumsum(axis=1), sizes, config.error_fraction)


def latency_change(photos: pd.DataFrame, config: MonitoringConfig) -> ColumnChange:
    """The median time of a counted photo in the smallest look, against a plain bar.

    What cannot be read takes no time, and would hide how long the others take.
    """
    bar, newest = config.max_latency_ms, photos.iloc[-config.windows[0] :]
    counted = newest[newest["error"].isna()]
    median = float(counted["latency_ms"].median()) if len(counted) else None
    drifted = bar is not None and median is not None and median > bar
    return ColumnChange(
        column="latency_ms",
        kind="service",
        reference=bar,
        current=median,
        p_value=None,
        drifted=drifted,
        photos=len(counted),
        since=newest["time"].iloc[0].to_pydatetime() if drifted else None,
        words=latency_in_words(median, len(counted), bar),
    )
