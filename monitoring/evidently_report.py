"""Evidently's report of the window beside the reference, with this project's own test in it.

Evidently would choose a test and a constant threshold for each column. Here its verdict on a column
is the judge's: the adjusted p-value, against the rate of false alarms.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from monitoring.columns import NAMES, Floats
from monitoring.verdict import DriftVerdict

MAX_ROWS = 5000  # of each side: what its histograms are drawn from
METHOD = "max_t"


def write_evidently_report(
    path: Path, reference: Floats, window: Floats, verdict: DriftVerdict, rate: float
) -> bool:
    """Write one HTML file.

    Args:
        path: of the file.
        reference: [photos, columns] (``photo_values``).
        window: likewise.
        verdict: of the window.
        rate: of false alarms; the p-values' threshold.

    Returns:
        False, and no file, where no column has numbers on both sides.

    Raises:
        ValueError: Evidently cannot draw these numbers; nothing else depends on its report.
    """
    p_values = {one.column: one.p_value for one in verdict.changes if one.p_value is not None}
    frames = [_frame(values) for values in (reference, window)]
    columns = [
        name for name in NAMES if name in p_values and all(f[name].notna().any() for f in frames)
    ]
    if not columns:
        return False
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    _register(p_values)
    definition = DataDefinition(numerical_columns=columns)
    known, seen = (
        Dataset.from_pandas(frame[columns], data_definition=definition) for frame in frames
    )
    report = Report(
        [
            DataDriftPreset(
                columns=columns,
                num_method=METHOD,
                num_threshold=rate,
                drift_share=0.5 / len(columns),  # one drifted column is drift
            ),
            DataSummaryPreset(columns=columns),
        ]
    )
    with np.errstate(invalid="ignore", divide="ignore"):  # correlations of constant columns
        report.run(seen, known).save_html(str(path))
    return True


def _frame(values: Floats) -> pd.DataFrame:
    if len(values) > MAX_ROWS:
        values = values[np.linspace(0, len(values) - 1, MAX_ROWS).astype(int)]
    return pd.DataFrame(values, columns=list(NAMES))


def _register(p_values: dict[str, float]) -> None:
    """Make the judge's p-values a test that Evidently knows."""
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    def judged(
        _reference: pd.Series, current: pd.Series, _kind: ColumnType, threshold: float
    ) -> tuple[float, bool]:
        p_value = p_values[str(current.name)]
        return p_value, p_value <= threshold

    register_stattest(
        StatTest(
            name=METHOD,
            display_name="max-T over columns and windows, by groups of the reference",
            allowed_feature_types=[ColumnType.Numerical],
        ),
        default_impl=judged,
    )
