"""Is a feature of two sets distributed alike?

Each feature is compared in two ways: is the difference significant (Kolmogorov-Smirnov test, or
chi-square over the table of both sets; the level is shared among the features), and is it large
(Wasserstein distance in standard deviations, or Jensen-Shannon distance)? Evidently computes all
but the chi-square. Only both together are drift: with many photos everything is significant, with
few anything may be large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sparrow.plain_text import one_line

SIGNIFICANCE = 0.01  # over all features of a table together
LARGE_DISTANCE = 0.1  # Wasserstein, in standard deviations of the reference
LARGE_DIVERGENCE = 0.1  # Jensen-Shannon, 0..1


@dataclass(frozen=True)
class FeatureDrift:
    """One feature compared.

    Attributes:
        p_value: of no difference; None where a feature is constant in both sets.
        distance: Wasserstein in standard deviations, or Jensen-Shannon.
        drifted: significant and large.
    """

    feature: str
    p_value: float | None
    distance: float | None
    drifted: bool


def compare_features(old: pd.DataFrame, new: pd.DataFrame) -> tuple[list[FeatureDrift], str]:
    """Compare every column of two tables.

    Args:
        old: the reference.
        new: with the same columns.

    Returns:
        One ``FeatureDrift`` per column, and Evidently's own page (HTML).
    """
    varying = [c for c in old.columns if pd.concat([old[c], new[c]]).nunique() > 1]
    kinds = [c for c in varying if not pd.api.types.is_numeric_dtype(old[c])]
    numbers = [c for c in varying if c not in kinds]
    old, new = (table.assign(**{c: table[c].map(_no_tag) for c in kinds}) for table in (old, new))
    level = SIGNIFICANCE / max(1, len(varying))
    values, page = _evidently((old[varying], new[varying]), numbers, kinds, level)
    n = len(numbers)
    p_values = dict(zip(numbers, values[:n], strict=True)) | {
        c: _chi_square(old[c], new[c]) for c in kinds
    }
    distances = dict(zip([*numbers, *kinds], values[n:], strict=True))
    features = [
        FeatureDrift(c, p_values[c], distances[c], p_values[c] < level and distances[c] >= large)
        for names, large in ((numbers, LARGE_DISTANCE), (kinds, LARGE_DIVERGENCE))
        for c in names
    ]
    constant = [FeatureDrift(c, None, None, False) for c in old.columns if c not in varying]
    return features + constant, page


def _evidently(
    tables: tuple[pd.DataFrame, pd.DataFrame], numbers: list[str], kinds: list[str], level: float
) -> tuple[list[float], str]:
    """Of the reference and the current table: p-values of ``numbers``, then the distances of
    ``numbers`` and ``kinds``; and Evidently's page.
    """
    import evidently
    from evidently.metrics import ValueDrift

    metrics: list[Any] = [  # Evidently's own type takes metrics and presets of several bases
        *(ValueDrift(column=c, method="ks", threshold=level) for c in numbers),
        *(ValueDrift(column=c, method="wasserstein", threshold=LARGE_DISTANCE) for c in numbers),
        *(ValueDrift(column=c, method="jensenshannon", threshold=LARGE_DIVERGENCE) for c in kinds),
    ]
    definition = evidently.DataDefinition(numerical_columns=numbers, categorical_columns=kinds)
    reference, current = (
        evidently.Dataset.from_pandas(table, data_definition=definition) for table in tables
    )
    snapshot = evidently.Report(metrics).run(current, reference)
    values = [float(metric["value"]) for metric in snapshot.dict()["metrics"]]
    return values, str(snapshot.get_html_str(as_iframe=False))


def _no_tag(text: str) -> str:
    """A name in which no tag begins or ends: Evidently writes it into its pages as it is."""
    return one_line(str(text)).translate({ord("<"): "\u2039", ord(">"): "\u203a"})


def _chi_square(old: pd.Series, new: pd.Series) -> float:
    """p-value that both sets have the same mix of kinds (Pearson's test of homogeneity)."""
    from scipy.stats import chi2_contingency

    counts = pd.concat([old.value_counts(), new.value_counts()], axis=1).fillna(0)
    return float(chi2_contingency(counts.to_numpy()).pvalue)
