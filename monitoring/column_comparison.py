"""Every column of a window against the reference: how far it moved, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.columns import COLUMNS, Column, Floats, photo_values
from monitoring.messages import change_in_words
from monitoring.ranks import Reference
from monitoring.significance import NestedWindow, SignificanceTest
from monitoring.verdict import ColumnChange
from sparrow.predictions.window import Window

MIN_BEGINNING = 10  # photos; a change is not dated to fewer


@dataclass(frozen=True)
class _Strongest:
    """The greatest strength of a component, and the nested window that has it."""

    strength: float
    photos: int
    component: int


@dataclass(frozen=True, eq=False)
class ColumnComparison:
    """Compares windows with one reference.

    Attributes:
        known: [photos, columns] values of the reference's photos.
        reference: the same, ranked.
        test: turns distances into p-values.
        columns: the columns.
    """

    known: Floats
    reference: Reference
    test: SignificanceTest
    columns: Sequence[Column] = COLUMNS

    def changes(self, window: Window) -> list[ColumnChange]:
        """One for each column; the window's photos are oldest first."""
        values, times = photo_values(window, self.columns), window.photos["time"]
        quality = np.array([column.kind == "quality" for column in self.columns])
        rated = np.flatnonzero(~np.isnan(values[:, quality]).all(axis=1))
        return [
            *self._compared(values, times, ~quality, len(values)),
            # Nested windows of quality are those of the newest photos that have feedback.
            *self._compared(values[rated], times.iloc[rated], quality, len(values)),
        ]

    def _compared(
        self, values: Floats, times: pd.Series, columns: NDArray[np.bool_], n_photos: int
    ) -> list[ColumnChange]:
        """Changes of the chosen columns over these photos, in a run on ``n_photos``."""
        scores, defined = self.reference.scores(values)
        sums, numbers = (np.cumsum(table[::-1], axis=0) for table in (scores, defined))
        windows = self.test.windows(len(values))
        chosen = np.flatnonzero(columns).tolist()
        if not windows:
            return [self._untested(column, values[:, column]) for column in chosen]
        suffixes = self.reference.estimate.distance(sums, numbers)  # [photos, K], newest first
        thresholds = self.test.thresholds
        strengths = np.array(
            [thresholds.strengths(w.null, suffixes[w.photos - 1]) for w in windows]
        )  # [windows, K]
        changes = []
        for column in chosen:
            strongest = self._strongest(column, strengths, windows, n_photos)
            p_value = self.test.p_value(strongest.strength, n_photos)
            drifted = self.test.is_drift(p_value)
            begin = _beginning(suffixes[:, strongest.component], times) if drifted else None
            changes.append(self._change(column, values[:, column], strongest, p_value, begin))
        return changes

    def _strongest(
        self, column: int, strengths: Floats, windows: list[NestedWindow], n_photos: int
    ) -> _Strongest:
        """The strongest component of a column; a move that is drift by itself before a spread."""
        candidates = []
        for component in np.flatnonzero(self.reference.column == column).tolist():
            at = int(strengths[:, component].argmax())
            strength = float(strengths[at, component])
            candidate = _Strongest(strength, windows[at].photos, component)
            if self.test.is_drift(self.test.p_value(strength, n_photos)):
                return candidate
            candidates.append(candidate)
        return max(candidates, key=lambda candidate: candidate.strength)

    def _change(
        self,
        index: int,
        values: Floats,
        strongest: _Strongest,
        p_value: float,
        begin: datetime | None,
    ) -> ColumnChange:
        column, known = self.columns[index], self.known[:, index]
        newest = values[len(values) - strongest.photos :]
        spread = bool(self.reference.spread[strongest.component])
        drifted = begin is not None
        return ColumnChange(
            column=column.name,
            kind=column.kind,
            reference=_mean(known),
            current=_mean(newest),
            p_value=p_value,
            drifted=drifted,
            photos=strongest.photos,
            since=begin,
            words=change_in_words(column, known, newest, spread=spread, drifted=drifted),
        )

    def _untested(self, index: int, values: Floats) -> ColumnChange:
        """A column that too few photos have."""
        column = self.columns[index]
        words = f"{column.words.capitalize()}: {len(values)} photos have it, too few to test."
        means = _mean(self.known[:, index]), _mean(values)
        return ColumnChange(column.name, column.kind, *means, None, False, len(values), None, words)


def _beginning(distances: Floats, times: pd.Series) -> datetime:
    """When a change most likely began: the suffix of the photos that differs most.

    Args:
        distances: [photos] of the newest 1, 2, 3 … photos.
        times: of the photos, oldest first.
    """
    newest = min(MIN_BEGINNING, len(distances)) - 1
    photos = newest + int(distances[newest:].argmax()) + 1
    began: pd.Timestamp = times.iloc[len(times) - photos]
    return began.to_pydatetime()


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
