"""Is a feature of two sets distributed alike?

Each feature is compared in two ways: is the difference large (Wasserstein distance in standard
deviations, or Jensen-Shannon distance, as Evidently computes them), and is it larger than chance
makes it among groups of photos (``sparrow.data.group_permutation``)? Only both together are drift:
with many photos everything is significant, with few anything may be large.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sparrow.config import ChecksConfig
from sparrow.data.group_permutation import Bools, Feature, Ints, adjusted_p_values
from sparrow.plain_text import one_line

MIN_ROWS = 30  # of both sets; below it nothing is said about a table's features
LEAST_DEVIATION = 0.001  # of a reference that hardly varies, as in Evidently


@dataclass(frozen=True)
class FeatureDrift:
    """One feature compared.

    Attributes:
        p_value: of no difference, adjusted for all features; None where a feature is constant in
            both sets.
        distance: Wasserstein in standard deviations, or Jensen-Shannon.
        drifted: significant and large.
    """

    feature: str
    p_value: float | None
    distance: float | None
    drifted: bool


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """The features of the rows of two sets, such as a row per photo or per box.

    Attributes:
        reference, current: with the same columns.
        reference_group, current_group: [rows] number of each row's group.
    """

    reference: pd.DataFrame
    current: pd.DataFrame
    reference_group: Ints
    current_group: Ints

    @property
    def is_testable(self) -> bool:
        """Whether there are rows enough."""
        return min(len(self.reference), len(self.current)) >= MIN_ROWS

    def joined(self) -> tuple[pd.DataFrame, Ints]:
        """The rows of both sets, and the group of each."""
        rows = pd.concat([self.reference, self.current], ignore_index=True)
        return rows, np.concatenate([self.reference_group, self.current_group])


def compare_features(
    tables: Mapping[str, FeatureTable], is_current: Bools, checks: ChecksConfig
) -> list[FeatureDrift]:
    """Compare every column of the tables that have rows enough.

    Args:
        tables: by title; their columns have different names.
        is_current: [groups] whether the group is of the current set.
        checks: how large a difference may be, and how rarely chance may be taken for drift.
    """
    varying: dict[str, Feature] = {}
    distances: dict[str, float] = {}
    constant: list[FeatureDrift] = []
    for table in tables.values():
        rows, group = table.joined()
        for name in rows.columns if table.is_testable else ():
            if rows[name].nunique() > 1:
                varying[name] = Feature(rows[name], group)
                distances[name] = distance(table.reference[name], table.current[name])
            else:
                constant.append(FeatureDrift(name, None, None, False))
    p_values = adjusted_p_values(list(varying.values()), is_current).tolist()
    rate, limit = checks.false_alarm_rate, checks.max_drift
    features = [
        FeatureDrift(name, p_value, distances[name], p_value <= rate and distances[name] > limit)
        for name, p_value in zip(varying, p_values, strict=True)
    ]
    return [*features, *constant]


def distance(reference: pd.Series, current: pd.Series) -> float:
    """Wasserstein in standard deviations of the reference; of texts Jensen-Shannon, 0..1."""
    if not pd.api.types.is_numeric_dtype(reference):
        from scipy.spatial.distance import jensenshannon

        fractions = pd.concat(
            [s.value_counts(normalize=True) for s in (reference, current)], axis=1
        )
        return float(jensenshannon(*fractions.fillna(0).to_numpy().T))
    from scipy.stats import wasserstein_distance

    deviation = max(float(np.std(reference)), LEAST_DEVIATION)
    return float(wasserstein_distance(reference, current)) / deviation


def evidently_pages(tables: Mapping[str, FeatureTable], limit: float) -> dict[str, str]:
    """Evidently's own page (HTML) of each table that has rows enough, by title.

    Args:
        tables: as for ``compare_features``.
        limit: a distance beyond it is marked.
    """
    return {
        title: _evidently_page(table, limit) for title, table in tables.items() if table.is_testable
    }


def _evidently_page(table: FeatureTable, limit: float) -> str:
    import evidently
    from evidently.metrics import ValueDrift

    rows = table.joined()[0]
    names = [name for name in rows.columns if rows[name].nunique() > 1]
    kinds = [c for c in names if not pd.api.types.is_numeric_dtype(rows[c])]
    numbers = [c for c in names if c not in kinds]
    metrics: list[Any] = [  # Evidently's own type takes metrics and presets of several bases
        *(ValueDrift(column=c, method="wasserstein", threshold=limit) for c in numbers),
        *(ValueDrift(column=c, method="jensenshannon", threshold=limit) for c in kinds),
    ]
    definition = evidently.DataDefinition(numerical_columns=numbers, categorical_columns=kinds)
    reference, current = (
        evidently.Dataset.from_pandas(
            part[names].assign(**{c: part[c].map(_no_tag) for c in kinds}),
            data_definition=definition,
        )
        for part in (table.reference, table.current)
    )
    snapshot = evidently.Report(metrics).run(current, reference)
    return str(snapshot.get_html_str(as_iframe=False))


def _no_tag(text: str) -> str:
    """A name in which no tag begins or ends: Evidently writes it into its pages as it is."""
    return one_line(str(text)).translate({ord("<"): "\u2039", ord(">"): "\u203a"})
