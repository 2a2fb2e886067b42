"""``DriftDetector``: a window of the log against the reference, at a known rate of false alarms.

Every column of ``monitoring.columns`` is compared by ranks (``monitoring.ranks``), in nested looks
at the newest photos: a blackout shows in 25, a small loss of recall only in hundreds. How large a
difference is too large is answered by ``monitoring.null``. Photos that could not be counted are
held against the share that config calls usual, by the exact binomial distribution, inside the same
correction.

Known limits. The log knows no authors: production photos are taken to come in bursts as the
reference's groups do, and longer bursts raise more alarms. Feedback is given by those who choose
to: a change in quality may be one in who answers. The latency bar is a plain bar, outside the rate
of false alarms. The rate is that of one run: a daily run at 5 % alarms falsely about every third
week. The smaller the reference, the larger a change must be to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.columns import COLUMNS, QUALITY, Floats, photo_values
from monitoring.messages import change_in_words, errors_in_words, reason_in_words
from monitoring.null import Thresholds, draw_pairs
from monitoring.ranks import Ints, Reference
from monitoring.service_health import drawn_error_strengths, error_strengths, latency_change
from monitoring.verdict import ColumnChange, DriftVerdict, State
from sparrow.config import MonitoringConfig
from sparrow.predictions.window import Window

MIN_GROUPS = 8  # of a reference; drawing from fewer says nothing
TAIL_PAIRS = 200  # drawn pairs beyond the rate of false alarms: 4,000 in all at 5 %
MIN_BEGINNING = 10  # photos; a change is not dated to fewer


@dataclass(frozen=True)
class _Look:
    """The newest ``photos``, and the calibrated look whose null they have."""

    photos: int
    null: int


@dataclass(frozen=True)
class _Finding:
    """The greatest strength of a component, and the look that has it."""

    strength: float
    photos: int
    component: int


class DriftDetector:
    """Thresholds from one reference; judges any number of windows.

    Attributes:
        n_photos, n_groups: of the reference.
    """

    def __init__(self, reference: Window, config: MonitoringConfig, seed: int = 0) -> None:
        """Draw the null distribution (about a second).

        Args:
            reference: of the model folder (``read_reference``). Its column ``group`` says which
                photos belong together; without it each stands for itself.
            config: rate of false alarms, looks, bars.
            seed: the same reference and seed give the same verdicts.
        """
        self._config = config
        self._model = _model_of(reference.photos)
        self._values = photo_values(reference)
        groups = _group_numbers(reference.photos)
        self.n_photos = len(groups)
        self.n_groups = int(groups.max(initial=-1)) + 1
        if self.n_groups >= MIN_GROUPS:
            self._reference = Reference(self._values, groups)
            pairs = round(TAIL_PAIRS / config.false_alarm_rate)
            drawn = draw_pairs(self._reference, config.windows, pairs, seed)
            self._thresholds = Thresholds.of(drawn, drawn_error_strengths(config, pairs, seed))

    def judge(self, window: Window) -> DriftVerdict:
        """A window's verdict; its photos are oldest first, of one model version."""
        photos = window.photos
        name, version = _model_of(photos) if len(photos) else self._model
        changes: tuple[ColumnChange, ...] = ()
        state = State.TOO_FEW
        if self.n_groups < MIN_GROUPS:
            reason = (
                f"The model's reference has {self.n_photos} photos in {self.n_groups} groups "
                f"(author, camera's day, near-duplicates); at least {MIN_GROUPS} groups are needed "
                "to know what is usual: nothing was judged."
            )
        elif len(photos) < self._config.windows[0]:
            reason = (
                f"The window holds {len(photos)} photos; at least {self._config.windows[0]} are "
                "needed (monitoring.windows): nothing was judged."
            )
        else:
            changes = self._changes(window)
            state = State.DRIFT if any(one.drifted for one in changes) else State.OK
            sizes = [look.photos for look in self._looks(len(photos))]
            reason = reason_in_words(changes, sizes, self._config.false_alarm_rate)
        return DriftVerdict(
            state, name, version, len(photos), _time(photos, 0), _time(photos, -1), changes, reason
        )

    def _looks(self, photos: int) -> list[_Look]:
        """Nested looks at so many photos, the last one at all of them.

        A size between two calibrated ones has the smaller one's null, whose tails are heavier.
        """
        sizes = [size for size in self._config.windows if size <= photos]
        looks = [_Look(size, index) for index, size in enumerate(sizes)]
        if sizes and photos > sizes[-1]:
            looks.append(_Look(photos, len(sizes) - 1))
        return looks

    def _p_value(self, strength: float, photos: int) -> float:
        """Adjusted for all columns, and the looks at a window of so many photos."""
        looks = min(len(self._looks(photos)), len(self._config.windows))
        return self._thresholds.p_value(strength, looks)

    def _changes(self, window: Window) -> tuple[ColumnChange, ...]:
        values, times = photo_values(window), window.photos["time"]
        rated = np.flatnonzero(~np.isnan(values[:, QUALITY]).all(axis=1))
        changes = [
            *self._compared(values, times, ~QUALITY, len(values)),
            # Looks at quality are looks at the newest photos that have feedback.
            *self._compared(values[rated], times.iloc[rated], QUALITY, len(values)),
            self._errors(window.photos),
            latency_change(window.photos, self._config),
        ]
        return tuple(sorted(changes, key=_surest_first))

    def _compared(
        self, values: Floats, times: pd.Series, columns: NDArray[np.bool_], window: int
    ) -> list[ColumnChange]:
        """Changes of the chosen columns, by the newest of these photos, in a window of so many."""
        scores, defined = self._reference.scores(values)
        sums, numbers = (np.cumsum(table[::-1], axis=0) for table in (scores, defined))
        looks = self._looks(len(values))
        chosen = np.flatnonzero(columns).tolist()
        if not looks:
            return [self._untold(column, values[:, column]) for column in chosen]
        suffixes = self._reference.estimate.distance(sums, numbers)  # [photos, K], newest first
        strengths = np.array(
            [self._thresholds.strengths(look.null, suffixes[look.photos - 1]) for look in looks]
        )  # [looks, K]
        changes = []
        for column in chosen:
            finding = self._finding(column, strengths, looks, window)
            p_value = self._p_value(finding.strength, window)
            drifted = p_value <= self._config.false_alarm_rate
            begin = _beginning(suffixes[:, finding.component], times) if drifted else None
            changes.append(self._change(column, values[:, column], finding, p_value, begin))
        return changes

    def _finding(self, column: int, strengths: Floats, looks: list[_Look], window: int) -> _Finding:
        """The strongest component of a column; a move that is drift by itself before a spread."""
        findings = []
        for component in np.flatnonzero(self._reference.column == column).tolist():
            at = int(strengths[:, component].argmax())
            found = _Finding(float(strengths[at, component]), looks[at].photos, component)
            if self._p_value(found.strength, window) <= self._config.false_alarm_rate:
                return found
            findings.append(found)
        return max(findings, key=lambda one: one.strength)

    def _change(
        self, index: int, values: Floats, finding: _Finding, p_value: float, begin: datetime | None
    ) -> ColumnChange:
        column, known = COLUMNS[index], self._values[:, index]
        seen = values[len(values) - finding.photos :]
        spread = bool(self._reference.spread[finding.component])
        drifted = begin is not None
        return ColumnChange(
            column=column.name,
            kind=column.kind,
            reference=_mean(known),
            current=_mean(seen),
            p_value=p_value,
            drifted=drifted,
            photos=finding.photos,
            since=begin,
            words=change_in_words(column, known, seen, spread=spread, drifted=drifted),
        )

    def _untold(self, index: int, values: Floats) -> ColumnChange:
        """A column that too few photos have."""
        column = COLUMNS[index]
        words = f"{column.words.capitalize()}: {len(values)} photos have it, too few to judge."
        means = _mean(self._values[:, index]), _mean(values)
        return ColumnChange(column.name, column.kind, *means, None, False, len(values), None, words)

    def _errors(self, photos: pd.DataFrame) -> ColumnChange:
        """Photos that could not be counted, against the share that is usual."""
        usual = self._config.error_fraction
        failed = photos["error"].notna().to_numpy()[::-1]
        sizes = np.array([look.photos for look in self._looks(len(photos))])
        errors = failed.cumsum()[sizes - 1]
        strengths = error_strengths(errors, sizes, usual)
        at = int(strengths.argmax())
        p_value = self._p_value(float(strengths[at]), len(photos))
        drifted = p_value <= self._config.false_alarm_rate
        size, found = int(sizes[at]), int(errors[at])
        first = int(np.flatnonzero(failed[:size]).max()) if drifted else 0
        return ColumnChange(
            "error_fraction", "service", usual, found / size, p_value, drifted, size,
            _time(photos, len(photos) - 1 - first) if drifted else None,
            errors_in_words(found, size, usual, drifted),
        )  # fmt: skip


def _beginning(distances: Floats, times: pd.Series) -> datetime:
    """When a change most likely began: the suffix of the photos that differs most.

    Args:
        distances: [photos] of the newest 1, 2, 3 … photos.
        times: of the photos, oldest first.
    """
    newest = min(MIN_BEGINNING, len(distances)) - 1
    photos = newest + int(distances[newest:].argmax()) + 1
    return _as_datetime(times.iloc[len(times) - photos])


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
    return _as_datetime(photos["time"].iloc[row]) if len(photos) else None


def _as_datetime(time: pd.Timestamp) -> datetime:
    return time.to_pydatetime()


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _surest_first(change: ColumnChange) -> tuple[bool, float, int]:
    """Drifted ones first; of equally sure ones the input first, which may explain the others."""
    p_value = 2.0 if change.p_value is None else change.p_value
    kinds = ("service", "input", "prediction", "quality")
    return not change.drifted, p_value, kinds.index(change.kind)
