"""How the service does: photos that could not be counted, and the time a photo takes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from monitoring.columns import Floats
from monitoring.messages import errors_in_words, latency_in_words
from monitoring.null import strength_of
from monitoring.ranks import Ints
from monitoring.significance import SignificanceTest
from monitoring.verdict import ColumnChange
from sparrow.config import MonitoringConfig


def sampled_error_strengths(config: MonitoringConfig, pairs: int, seed: int) -> Floats:
    """[pairs, windows] of errors at just the usual fraction: their part of the null."""
    rng = np.random.default_rng([seed, 1])
    sizes = np.array(config.windows)
    blocks = np.diff(sizes, prepend=0)
    errors = rng.binomial(blocks, config.error_fraction, size=(pairs, len(blocks)))
    return _error_strengths(errors.cumsum(axis=1), sizes, config.error_fraction)


def error_change(photos: pd.DataFrame, usual: float, test: SignificanceTest) -> ColumnChange:
    """Photos that could not be counted, against the ``usual`` fraction of them (0..1)."""
    failed = photos["error"].notna().to_numpy()[::-1]
    sizes = np.array([window.photos for window in test.windows(len(photos))])
    errors = failed.cumsum()[sizes - 1]
    strengths = _error_strengths(errors, sizes, usual)
    at = int(strengths.argmax())
    p_value = test.p_value(float(strengths[at]), len(photos))
    drifted = test.is_drift(p_value)
    size, n_errors = int(sizes[at]), int(errors[at])
    first = int(np.flatnonzero(failed[:size]).max()) if drifted else 0
    began = photos["time"].iloc[len(photos) - 1 - first]
    return ColumnChange(
        column="error_fraction",
        kind="service",
        reference=usual,
        current=n_errors / size,
        p_value=p_value,
        drifted=drifted,
        photos=size,
        since=began.to_pydatetime() if drifted else None,
        words=errors_in_words(n_errors, size, usual, drifted),
    )


def latency_change(photos: pd.DataFrame, config: MonitoringConfig) -> ColumnChange:
    """The median time of a counted photo in the smallest window, against a plain limit.

    What cannot be read takes no time, and would hide how long the others take.
    """
    limit, newest = config.max_latency_ms, photos.iloc[-config.windows[0] :]
    counted = newest[newest["error"].isna()]
    median = float(counted["latency_ms"].median()) if len(counted) else None
    drifted = limit is not None and median is not None and median > limit
    return ColumnChange(
        column="latency_ms",
        kind="service",
        reference=limit,
        current=median,
        p_value=None,
        drifted=drifted,
        photos=len(counted),
        since=newest["time"].iloc[0].to_pydatetime() if drifted else None,
        words=latency_in_words(median, len(counted), limit),
    )


def _error_strengths(errors: Ints, photos: Ints, usual: float) -> Floats:
    """Strength of so many errors or more at the ``usual`` fraction, by the exact binomial."""
    from scipy.special import bdtrc

    return strength_of(np.where(errors > 0, bdtrc(np.maximum(errors, 1) - 1, photos, usual), 1.0))
