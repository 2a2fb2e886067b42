"""For tests and benchmarks only: the drill's result as a table for the docs."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.drill.repeat import Repetition

HEAD = (
    "fault", "strength", "photos until noticed, median", "noticed by asking again and again",
    "noticed by one run at that photo", "which column noticed first",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A fault, its repetitions, and the answers of single runs at ``limit`` photos."""

    fault: str
    strength: str
    limit: int
    repetitions: tuple[Repetition, ...]
    single_runs: tuple[bool, ...]

    @property
    def noticed(self) -> float:
        """Fraction of the repetitions noticed within the limit, 0..1."""
        return sum(_within(r, self.limit) for r in self.repetitions) / len(self.repetitions)

    @property
    def noticed_at_once(self) -> float:
        """Fraction of the single runs that said drift, 0..1."""
        return sum(self.single_runs) / len(self.single_runs)

    def cells(self) -> tuple[str, ...]:
        """In the order of ``HEAD``."""
        return (
            self.fault,
            self.strength,
            self._median(),
            f"{self.noticed:.0%} within {self.limit}",
            f"{self.noticed_at_once:.0%} at {self.limit}",
            self._columns(),
        )

    def _median(self) -> str:
        never = max((r.noticed or 0 for r in self.repetitions), default=0) + 1
        photos = [never if r.noticed is None else r.noticed for r in self.repetitions]
        middle = statistics.median(photos)
        return f"{middle:g}" if middle < never else "not noticed"

    def _columns(self) -> str:
        first = Counter(r.column for r in self.repetitions if r.column)
        return ", ".join(f"{name} {n}" for name, n in first.most_common(3)) or "–"


def markdown(rows: Sequence[Row]) -> str:
    """All rows as a Markdown table."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _within(repetition: Repetition, limit: int) -> bool:
    return repetition.noticed is not None and repetition.noticed <= limit
