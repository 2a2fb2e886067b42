"""What the checks say: the rows that rules hit, and the report over all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparrow.data.checks.outcome import RuleOutcome, Status
from sparrow.data.checks.rules import RULES, Severity
from sparrow.data.errors import DataError
from sparrow.plain_text import one_line

_ORDER: tuple[Status, ...] = ("failed", "warning", "accepted", "passed", "not tested")
ROW_COLUMNS = ("table", "row", "image", "value")
ROWS_IN_JSON = 1000  # per rule; the number of all of them is always given
ROWS_IN_SUMMARY = 3
REPORT_JSON = "report.json"


@dataclass(frozen=True, eq=False)
class RuleViolation:
    """One rule that was broken.

    Attributes:
        rule: a key of ``RULES``.
        severity: errors stop the flow, warnings are reported.
        sentence: what the rule means, in plain words.
        rows: the rows it hit: table (file), row (line number in that file; 0 where there is
            none), image (file name), value (what was found).
    """

    rule: str
    severity: Severity
    sentence: str
    rows: pd.DataFrame


def rule_violation(
    rule: str, table: str, rows: Any, images: Any, values: Any
) -> RuleViolation | None:
    """A violation of a known rule, or None where there is no row to show."""
    severity, sentence = RULES[rule]
    frame = pd.DataFrame(
        {
            "row": pd.Series(np.asarray(rows), dtype="int64"),
            "image": pd.Series(np.asarray(images, dtype=object)).fillna("").astype(str),
            "value": pd.Series(np.asarray(values, dtype=object)).fillna("").astype(str),
        }
    )
    frame.insert(0, "table", table)
    return RuleViolation(rule, severity, sentence, frame) if len(frame) else None


@dataclass(frozen=True)
class Observation:
    """What a rule required and what was seen, in words, whether it holds or not."""

    required: str
    seen: str
    tested: bool = True


# These are not of a set by itself.
ELSEWHERE: Mapping[str, Observation] = {
    "name-taken": Observation("", "tested where new data is taken in", tested=False),
    "photo-disagrees": Observation("", "tested where new data is taken in", tested=False),
    "label-error-candidate": Observation("", "tested where a model is asked", tested=False),
}


@dataclass(frozen=True, eq=False)
class CheckReport:
    """All violations of one check of one set of files.

    Attributes:
        where: the folder that was checked.
        violations: one per broken rule and table, errors first.
        photos, boxes: how many rows were checked.
        observations: of rules that have more to say than how many rows break them.
    """

    where: str
    violations: tuple[RuleViolation, ...]
    photos: int
    boxes: int
    observations: Mapping[str, Observation] = field(default_factory=lambda: dict(ELSEWHERE))

    @property
    def outcomes(self) -> list[RuleOutcome]:
        """Every rule with what was observed; broken ones first, then those that hold."""
        outcomes = [self._outcome(rule) for rule in RULES]
        return sorted(outcomes, key=lambda outcome: _ORDER.index(outcome.status))

    def _outcome(self, rule: str) -> RuleOutcome:
        severity, sentence = RULES[rule]
        rows = sum(len(broken.rows) for broken in self.violations if broken.rule == rule)
        observation = self.observations.get(rule, Observation("", ""))
        status: Status = "passed" if observation.tested else "not tested"
        if rows:
            status = "failed" if severity == "error" else "warning"
        words = [observation.seen]
        if rows:
            words.append(f"{rows:,} rows break it")
        elif not observation.seen:
            words.append(f"0 of {self._units(rule)} break it")
        observed = "; ".join(filter(None, words))
        return RuleOutcome(rule, status, sentence, observation.required, observed)

    def _units(self, rule: str) -> str:
        """What a rule looks at: ``1,000 photos``."""
        if rule.startswith(("photo-", "source-", "license-", "count-")):
            return f"{self.photos:,} photos"
        if rule.startswith(("box-", "class-", "size-", "position-")):
            return f"{self.boxes:,} boxes"
        return f"{self.photos + self.boxes:,} rows"

    @property
    def checked_rules(self) -> tuple[str, ...]:
        """Names of the rules that were tested."""
        return tuple(o.rule for o in map(self._outcome, RULES) if o.status != "not tested")

    @property
    def errors(self) -> list[RuleViolation]:
        """What must be put right before the data can be used."""
        return [broken for broken in self.violations if broken.severity == "error"]

    @property
    def warnings(self) -> list[RuleViolation]:
        """What should be checked by a person."""
        return [broken for broken in self.violations if broken.severity == "warning"]

    @property
    def ok(self) -> bool:
        """No error; warnings may remain."""
        return not self.errors

    def extended(self, rule: str, seen: str, more: RuleViolation | None) -> CheckReport:
        """The report with one more rule tested.

        Args:
            rule: its name.
            seen: what was observed.
            more: the violation; None where it holds.
        """
        observations = {**self.observations, rule: Observation("", seen)}
        violations = tuple(errors_first((*self.violations, more)))
        return replace(self, violations=violations, observations=observations)

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dump``; at most ``ROWS_IN_JSON`` rows a violation."""
        return {
            "where": self.where,
            "ok": self.ok,
            "photos": self.photos,
            "boxes": self.boxes,
            "checked_rules": list(self.checked_rules),
            "rules": [outcome.to_json() for outcome in self.outcomes],
            "findings": [  # as earlier versions called it
                {
                    "rule": broken.rule,
                    "severity": broken.severity,
                    "sentence": broken.sentence,
                    "rows_in_all": len(broken.rows),
                    "rows": broken.rows.head(ROWS_IN_JSON).to_dict("records"),
                }
                for broken in self.violations
            ],
        }

    def summary(self) -> str:
        """A few lines that name file, row and rule of what was found."""
        head = f"{self.where}: {self.photos:,} photos, {self.boxes:,} boxes"
        if not self.violations:
            return f"{head}, nothing to complain about"
        head += f", {len(self.errors)} broken rule(s), {len(self.warnings)} warning(s)"
        return "\n".join([head, *(_lines(broken) for broken in self.violations)])

    def raise_for_errors(self) -> None:
        """Nothing when the data is usable.

        Raises:
            DataError: with file, row and rule of every error.
        """
        if self.ok:
            return
        lines = [_lines(broken) for broken in self.errors]
        raise DataError("\n".join([f"{self.where}: the data does not pass its checks", *lines]))


def errors_first(violations: Iterable[RuleViolation | None]) -> list[RuleViolation]:
    """Violations in order, errors before warnings, without the rules that hold (None)."""
    broken = [violation for violation in violations if violation is not None]
    return sorted(broken, key=lambda violation: violation.severity != "error")


def _lines(broken: RuleViolation) -> str:
    lines = [f"  {broken.severity} {broken.rule}: {broken.sentence}"]
    for row in broken.rows.head(ROWS_IN_SUMMARY).to_dict("records"):
        place = f"{row['table']} row {row['row']}" if row["row"] else row["table"]
        about = " ".join(part for part in (shorten(row["image"]), shorten(row["value"])) if part)
        lines.append(f"    {place}: {about}" if about else f"    {place}")
    if (more := len(broken.rows) - ROWS_IN_SUMMARY) > 0:
        lines.append(f"    … and {more:,} more")
    return "\n".join(lines)


def shorten(text: str, length: int = 120) -> str:
    """One printable line of at most ``length`` characters."""
    line = one_line(text)
    return line if len(line) <= length else line[: length - 1] + "…"


ReportWriter = Callable[[CheckReport, Path, Path, str], Path]


def write_report_json(report: CheckReport, root: Path, folder: Path, prefix: str = "") -> Path:
    """Write ``report.json`` into a folder; its path. A ``ReportWriter``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / REPORT_JSON
    path.write_text(json.dumps(report.to_json(), indent=2), encoding="utf-8")
    return path
