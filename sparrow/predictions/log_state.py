"""The state of a prediction log as its writer sees it; each change is logged and passed on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sparrow.database_errors import reason

logger = logging.getLogger("sparrow.predictions.log")


@dataclass(frozen=True)
class LogState:
    """The state of a log, for metrics and probes.

    Attributes:
        away: the last attempt to reach it failed.
        waiting: records that were handed over and are not in the log yet.
        replaced: how often its file was removed or replaced.
    """

    away: bool = False
    waiting: int = 0
    replaced: int = 0


class StateKeeper:
    """Keeps the newest state of one log."""

    def __init__(
        self,
        lock: AbstractContextManager[object],
        measure: Callable[[], tuple[int, int]],
        on_change: Callable[[LogState], None] | None,
    ) -> None:
        """Begin with a log that is there.

        Args:
            lock: held while the state is measured and changed; reentrant.
            measure: ``waiting`` and ``replaced`` of this moment.
            on_change: called with every new state.
        """
        self.state = LogState()
        self._lock = lock
        self._measure = measure
        self._on_change = on_change

    def note_away(self, error: Exception, spill: Path) -> None:
        """The log could not be reached; records wait in ``spill``."""
        if not self.state.away:
            logger.error(
                "the prediction log cannot be written (%s); photos wait in %s",
                reason(error),
                spill,
            )
        self.update(away=True)

    def note_back(self) -> None:
        """The log was reached."""
        if self.state.away:
            logger.warning("the prediction log can be written again")
        self.update(away=False)

    def update(self, *, away: bool | None = None) -> None:
        """Measure anew; ``away`` stays as it is where it is None."""
        with self._lock:
            old = self.state
            fresh = LogState(old.away if away is None else away, *self._measure())
            self.state = fresh
        if fresh != old and self._on_change is not None:
            self._on_change(fresh)
