"""Evidently's report of the window beside the reference, with this project's own test in it.

Evidently would choose a test and a constant threshold for each column. Here its verdict on a column
is the drift detector's: the adjusted p-value, against the rate of false alarms.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from monitoring.verdict import DriftVerdict

MAX_ROWS = 5000  # of each side: what its histograms are drawn from
NO_TITLES: Mapping[str, str] = MappingProxyType({})
METHOD = "max_t"


def write_evidently_report(
    path: Path,
    sides: tuple[pd.DataFrame, pd.DataFrame],
    verdict: DriftVerdict,
    rate: float,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> bool:
    """Write one HTML file.

    Args:
        path: where to.
        sides: a row per photo (``photo_table``) of the reference and of the window.
        verdict, rate: of the window; of false alarms, the p-values' threshold.
        titles: what columns are called in it that are not called by their names.

    Returns:
        False, and no file, where no column has numbers on both sides.

    Raises:
        ValueError: Evidently cannot draw these numbers; nothing else depends on its report.
    """
    p_values = {
        titles.get(change.column, change.column): change.p_value
        for change in verdict.changes
        if change.p_value is not None
    }
    known, current = (_thinned(table).rename(columns=dict(titles)) for table in sides)
    defined = known.notna().any() & current.notna().any()
    columns = [name for name in known.columns if name in p_values and defined[name]]
    if not columns:
        return False
    _register(p_values)
    _save_report(path, known[columns], current[columns], rate)
    return True


def _save_report(path: Path, known: pd.DataFrame, current: pd.DataFrame, rate: float) -> None:
    """Evidently's page of two tables with the same columns."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    columns = list(known)
    drift = DataDriftPreset(
        columns=columns,
        num_method=METHOD,
        num_threshold=rate,
        drift_share=0.5 / len(columns),  # one drifted column is drift
    )
    report = Report([drift, DataSummaryPreset(columns=columns)])
    definition = DataDefinition(numerical_columns=columns)
    tables = (Dataset.from_pandas(t, data_definition=definition) for t in (current, known))
    with np.errstate(invalid="ignore", divide="ignore"):  # correlations of constant columns
        report.run(*tables).save_html(str(path))


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    if len(table) <= MAX_ROWS:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, MAX_ROWS).astype(int)].reset_index(drop=True)


def _register(p_values: dict[str, float]) -> None:
    """Make the detector's p-values a test that Evidently knows."""
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    def detected(
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
        default_impl=detected,
    )
