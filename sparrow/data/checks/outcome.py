"""What a rule required and what was observed, whether it holds or not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["passed", "warning", "failed", "accepted", "not tested"]
OUTCOME_COLUMNS = ("status", "rule", "what it finds", "required", "observed")


@dataclass(frozen=True)
class RuleOutcome:
    """A rule, applied.

    Attributes:
        rule: its name.
        status: "failed" ends a run; "accepted" would, but the config accepts it.
        sentence: what the rule finds, in plain words.
        required: the limit, in words.
        observed: what is there, in words; also where the rule holds.
        details: what exactly breaks it, a line each.
    """

    rule: str
    status: Status
    sentence: str
    required: str
    observed: str
    details: tuple[str, ...] = ()

    def cells(self) -> list[str]:
        """A row of a table under ``OUTCOME_COLUMNS``."""
        return [self.status, self.rule, self.sentence, self.required, self.observed]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
