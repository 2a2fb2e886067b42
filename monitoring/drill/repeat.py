"""For tests and benchmarks only: a fault begins again and again, and the monitor runs meanwhile.

One repetition: some hundred healthy photos, then photos with the fault. Authors are in random
order, each with all photos at once, none twice. The detector gets what a run of the monitor would
read at that moment: the newest photos of the log, healthy ones and others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.drift_detector import DriftDetector
from monitoring.verdict import DriftVerdict, State
from sparrow.predictions.window import Window

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Repetition:
    """The result of one.

    Attributes:
        noticed: photos with the fault until the first run that said drift; None: none did.
        column: what that run was surest of; "" where there was none.
        before: whether there was drift already before the fault began: a false alarm.
    """

    noticed: int | None
    column: str
    before: bool


class Traffic:
    """Logged photos to sample from."""

    def __init__(self, window: Window, authors: Sequence[str]) -> None:
        """Of ``window.photos``, each with its author."""
        self._window = window
        self._groups = [np.asarray(rows) for rows in _rows_by(authors)]
        self.photos = len(window.photos)

    def sample(self, photos: int, rng: np.random.Generator) -> Window:
        """So many photos, author by author.

        Raises:
            ValueError: there are not so many.
        """
        if photos > self.photos:
            raise ValueError(f"expected at most {self.photos} photos to sample, found {photos}")
        order = [rng.permutation(self._groups[i]) for i in rng.permutation(len(self._groups))]
        rows = np.concatenate(order)[:photos]
        table = self._window.photos.iloc[rows].reset_index(drop=True)
        return replace(self._window, photos=table)


def joined(before: Window, after: Window, size: int) -> Window:
    """The healthy photos, then the first ``size`` of those with the fault, a minute apart."""
    photos = pd.concat([before.photos, after.photos.iloc[:size]], ignore_index=True)
    start = pd.Timestamp("2026-01-01", tz="UTC")
    photos["time"] = start + pd.to_timedelta(np.arange(len(photos)), unit="min")
    boxes = pd.concat([before.boxes, after.boxes], ignore_index=True)
    boxes = boxes[boxes["prediction_id"].isin(photos["id"])].reset_index(drop=True)
    class_counts = pd.concat([before.class_counts, after.class_counts], ignore_index=True)
    class_counts = class_counts[class_counts["prediction_id"].isin(photos["id"])]
    return Window(photos, boxes, before.feedback.iloc[:0], class_counts.reset_index(drop=True))


@dataclass(frozen=True, eq=False)
class Scenario:
    """What a repetition is made of.

    Attributes:
        healthy: photos without the fault.
        faulty: photos with it.
        history: how many healthy photos precede the fault.
    """

    healthy: Traffic
    faulty: Traffic
    history: int

    def sample(self, photos: int, seed: int) -> tuple[Window, Window]:
        """The healthy photos, and so many with the fault."""
        rng = np.random.default_rng(seed)
        return self.healthy.sample(self.history, rng), self.faulty.sample(photos, rng)


def repeat(
    detector: DriftDetector, scenario: Scenario, runs: Sequence[int], seed: int
) -> Repetition:
    """One repetition; the monitor runs before the fault and after each of ``runs`` photos."""
    before, after = scenario.sample(runs[-1], seed)
    early = _drifted(detector, joined(before, after, 0))
    for size in runs:
        verdict = detector.detect_drift(joined(before, after, size))
        if verdict.state is State.DRIFT:
            return Repetition(size, surest(verdict), early)
    return Repetition(None, "", early)


def one_run(detector: DriftDetector, scenario: Scenario, photos: int, seed: int) -> bool:
    """Whether a single run, made after so many photos with the fault, says drift.

    That is the harder question: ``repeat`` runs many times, and each run may be a false alarm.
    """
    before, after = scenario.sample(photos, seed)
    return _drifted(detector, joined(before, after, photos))


def _drifted(detector: DriftDetector, window: Window) -> bool:
    return detector.detect_drift(window).state is State.DRIFT


def surest(verdict: DriftVerdict) -> str:
    """The column that changed most surely."""
    return verdict.drifted[0].column if verdict.drifted else ""


def _rows_by(authors: Sequence[str]) -> list[Ints]:
    codes = pd.factorize(np.asarray(authors, dtype=object))[0]
    return [np.flatnonzero(codes == code) for code in range(codes.max(initial=-1) + 1)]
