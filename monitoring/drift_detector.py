"""``DriftDetector``: a window of the log against the reference, at a known rate of false alarms.

Every column of ``monitoring.columns`` is compared by ranks (``monitoring.ranks``), in nested
windows of the newest photos: a blackout shows in 25, a small loss of recall only in hundreds. How
large a difference is too large is answered by ``monitoring.null``. Photos that could not be counted
are compared with the fraction that config calls usual, by the exact binomial distribution, inside
the same correction. Scores and classes that cannot be (``monitoring.validity``) are drift at once.

Known limits. The log knows no authors: production photos are taken to come in bursts as the
reference's groups do, and longer bursts raise more alarms. Feedback is given by those who choose
to: a change in quality may be one in who answers. The latency limit is a plain limit, outside the
rate of false alarms. The rate is that of one run: a daily run at 5 % alarms falsely about every
third week. The smaller the reference, the larger a change must be to be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from monitoring.column_comparison import ColumnComparison
from monitoring.columns import columns_of_model, photo_values
from monitoring.messages import reason_in_words, small_reference_in_words, small_window_in_words
from monitoring.null import Thresholds, sample_pairs
from monitoring.ranks import Ints, Reference
from monitoring.service_health import error_change, latency_change, sampled_error_strengths
from monitoring.significance import SignificanceTest, nested_windows
from monitoring.validity import validity_changes
from monitoring.verdict import ColumnChange, DriftVerdict, State
from sparrow.config import MonitoringConfig
from sparrow.predictions.window import Window

MIN_GROUPS = 8  # of a reference; sampling from fewer says nothing
INVALID = ("score_range", "known_class")  # columns of ``monitoring.validity``
TAIL_PAIRS = 200  # sampled pairs beyond the rate of false alarms: 4,000 in all at 5 %


class DriftDetector:
    """Thresholds from one reference; gives verdicts on any number of windows.

    Attributes:
        n_photos, n_groups: of the reference.
    """

    def __init__(
        self,
        reference: Window,
        config: MonitoringConfig,
        seed: int = 0,
        classes: Sequence[str] = (),
    ) -> None:
        """Sample the null distribution (about a second).

        Args:
            reference: of the model folder (``read_reference``). Its column ``group`` says which
                photos belong together; without it each photo is a group of its own.
            config: rate of false alarms, nested windows, limits.
            seed: the same reference and seed give the same verdicts.
            classes: that the model knows; without any, none is called unknown.
        """
        self._config, self._classes = config, tuple(classes)
        self._model = _model_of(reference.photos)
        groups = _group_numbers(reference.photos)
        self.n_photos = len(groups)
        self.n_groups = int(groups.max(initial=-1)) + 1
        if self.n_groups >= MIN_GROUPS:
            columns = columns_of_model(classes or sorted(set(reference.boxes["label"])))
            values = photo_values(reference, columns)
            ranked = Reference(values, groups, columns)
            pairs = round(TAIL_PAIRS / config.false_alarm_rate)
            distances = sample_pairs(ranked, config.windows, pairs, seed)
            thresholds = Thresholds.of(distances, sampled_error_strengths(config, pairs, seed))
            self._test = SignificanceTest(thresholds, config.windows, config.false_alarm_rate)
            self._columns = ColumnComparison(values, ranked, self._test, columns)

    def detect_drift(self, window: Window) -> DriftVerdict:
        """A window's verdict; its photos are oldest first, of one model version."""
        photos, smallest = window.photos, self._config.windows[0]
        name, version = _model_of(photos) if len(photos) else self._model
        changes = validity_changes(window, self._classes)
        reason = ""
        if self.n_groups < MIN_GROUPS:
            reason = small_reference_in_words(self.n_photos, self.n_groups, MIN_GROUPS)
        elif len(photos) < smallest:
            reason = small_window_in_words(len(photos), smallest)
        else:
            changes += self._changes(window)
        changes.sort(key=_surest_first)
        state = State.TOO_FEW if reason else State.OK
        if any(change.drifted for change in changes):
            state, reason = State.DRIFT, ""
        if not reason:
            windows = nested_windows(len(photos), self._config.windows)
            sizes = [nested.photos for nested in windows]
            reason = reason_in_words(changes, sizes, self._config.false_alarm_rate)
        return DriftVerdict(
            state,
            name,
            version,
            len(photos),
            _time(photos, 0),
            _time(photos, -1),
            tuple(changes),
            reason,
        )

    def _changes(self, window: Window) -> list[ColumnChange]:
        return [
            *self._columns.changes(window),
            error_change(window.photos, self._config.error_fraction, self._test),
            latency_change(window.photos, self._config),
        ]


def _group_numbers(photos: pd.DataFrame) -> Ints:
    if "group" not in photos:
        return np.arange(len(photos))
    return pd.factorize(photos["group"])[0].astype(np.int64)


def _model_of(photos: pd.DataFrame) -> tuple[str, str]:
    if not len(photos):
        return "unknown", "unknown"
    newest = photos.iloc[-1]
    return str(newest["model_name"]), str(newest["model_version"])


def _time(photos: pd.DataFrame, row: int) -> datetime | None:
    if not len(photos):
        return None
    time: pd.Timestamp = photos["time"].iloc[row]
    return time.to_pydatetime()


def _surest_first(change: ColumnChange) -> tuple[bool, float, int]:
    """Drifted ones first; of equally sure ones the input first, which may explain the others.

    What cannot be comes before all that is unlikely.
    """
    if change.drifted and change.column in INVALID:
        return False, -1.0, 0
    p_value = 2.0 if change.p_value is None else change.p_value
    kinds = ("service", "input", "prediction", "quality")
    return not change.drifted, p_value, kinds.index(change.kind)
