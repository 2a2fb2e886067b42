"""``DriftVerdict``: what a run of the monitor says. Without enough photos it is never ok."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

Kind = Literal["prediction", "input", "service", "quality"]


class State(StrEnum):
    """The three answers."""

    OK = "ok"
    DRIFT = "drift"
    TOO_FEW = "too few photos"


EXIT_CODES = {State.OK: 0, State.DRIFT: 3, State.TOO_FEW: 4}  # 1 is a run that broke


@dataclass(frozen=True)
class ColumnChange:
    """One column of production beside its reference.

    Attributes:
        column: a name of ``monitoring.columns.COLUMNS``, ``error_fraction`` or ``latency_ms``.
        kind: what it is about.
        reference: its mean over the reference's photos (``error_fraction``, ``latency_ms``: what
            config allows); None where there is none.
        current: its mean over the photos of the nested window in which it differs most
            (``latency_ms``: the median over those that were counted); None without any.
        p_value: adjusted for all columns and windows of the run; None where nothing was tested.
        drifted: beyond what chance explains, or beyond a plain limit.
        photos: how many of the newest photos that window has.
        since: time of the photo with which the change most likely began; None unless drifted.
        words: a sentence for people.
    """

    column: str
    kind: Kind
    reference: float | None
    current: float | None
    p_value: float | None
    drifted: bool
    photos: int
    since: datetime | None
    words: str


@dataclass(frozen=True)
class DriftVerdict:
    """What a window of the log says about a model.

    Attributes:
        state: ok, drift or too few photos.
        model_name: of the model that was watched.
        model_version: likewise.
        n_photos: in the window.
        since: time of the window's first photo, aware, UTC; None for an empty window.
        until: of its last.
        changes: every column that was compared, the drifted ones first, surest first.
        reason: one sentence.
    """

    state: State
    model_name: str
    model_version: str
    n_photos: int
    since: datetime | None
    until: datetime | None
    changes: tuple[ColumnChange, ...]
    reason: str

    @property
    def exit_code(self) -> int:
        """0 ok, 3 drift, 4 too few photos."""
        return EXIT_CODES[self.state]

    @property
    def drifted(self) -> tuple[ColumnChange, ...]:
        """The columns that changed."""
        return tuple(change for change in self.changes if change.drifted)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, times in ISO 8601."""
        values = {**asdict(self), "state": self.state.value, "exit_code": self.exit_code}
        return _json_value(values)


def _json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
