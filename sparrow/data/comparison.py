"""Two sets compared: every rule with what was observed, and what of it ends a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from sparrow.config import ChecksConfig
from sparrow.config.checks import ComparisonRule
from sparrow.data.checks.outcome import RuleOutcome, Status
from sparrow.data.errors import DataError
from sparrow.data.feature_drift import FeatureDrift, FeatureTable

Verdict = Literal["ok", "drift", "too few photos"]
DETAILS_SHOWN = 5
NEW = "new"  # what new data is called


class Explained(NamedTuple):
    """A rule in a sentence, and what to do where it is broken."""

    sentence: str
    remedy: str


COMPARISON_RULES: dict[ComparisonRule, Explained] = {
    "new-shared-photos": Explained(
        "A new photo is a file that the raw set has under another name.",
        "Nothing: it is matched by its content. Boxes that differ are taken as corrections, copies "
        "with the same boxes are left out.",
    ),
    "new-drift": Explained(
        "A feature of new photos is distributed otherwise than in the raw set.",
        "Are the new photos what you mean to count in? If so, accept it: the next model learns "
        "from both.",
    ),
    "shared-photos": Explained(
        "A test photo is the same file as a training photo.",
        "Remove one of the two.",
    ),
    "shared-groups": Explained(
        "An author, a near-duplicate picture or a visit of a camera is in two splits.",
        "Split afresh by removing history/sides.csv below data.root (models trained so far may "
        "then have seen test photos).",
    ),
    "size-ratio": Explained(
        "There are too few test photos for the training photos, or too many.",
        "Add photos by other authors or of other days and places, or ask for what the groups "
        "allow with split.test_fraction and "
        "split.validation_fraction: groups of photos that belong together are not torn.",
    ),
    "split-drift": Explained(
        "A feature of test photos is distributed otherwise than in training photos.",
        "Add photos by other authors or of other days and places, or try another seed where "
        "nothing was split before.",
    ),
}


class AppliedRule(NamedTuple):
    """What a rule observed.

    Attributes:
        broken: whether it does not hold; None where that cannot be said.
    """

    rule: ComparisonRule
    broken: bool | None
    required: str
    observed: str
    details: Sequence[str] = ()


def outcome_of(applied: AppliedRule, checks: ChecksConfig) -> RuleOutcome:
    """The outcome of a rule, given what the config accepts."""
    status: Status = "passed"
    if applied.broken is None:
        status = "not tested"
    elif applied.broken:
        status = "accepted" if applied.rule in checks.accept else "failed"
    sentence = COMPARISON_RULES[applied.rule].sentence
    return RuleOutcome(
        applied.rule, status, sentence, applied.required, applied.observed, tuple(applied.details)
    )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sets compared.

    Attributes:
        reference, current: what the sets are called.
        photos: (reference, current).
        verdict: of the features; silence never passes as ok.
        features: one per feature compared.
        rules: each rule's outcome, passed ones too.
        checks: what it was compared by.
        tables: the features' values, by title.
    """

    reference: str
    current: str
    photos: tuple[int, int]
    verdict: Verdict
    features: tuple[FeatureDrift, ...]
    rules: tuple[RuleOutcome, ...]
    checks: ChecksConfig = field(default_factory=ChecksConfig)
    tables: Mapping[str, FeatureTable] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        """What is compared with what."""
        return (
            f"{self.current.capitalize()} photos ({self.photos[1]:,}) against {self.reference} "
            f"photos ({self.photos[0]:,})"
        )

    @property
    def failed(self) -> list[RuleOutcome]:
        """What ends a run."""
        return [outcome for outcome in self.rules if outcome.status == "failed"]

    @property
    def drifted(self) -> list[str]:
        """Names of the features that drifted."""
        return [feature.feature for feature in self.features if feature.drifted]

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the features' own."""
        return {
            "reference": self.reference,
            "current": self.current,
            "photos": self.photos,
            "verdict": self.verdict,
            "features": [asdict(feature) for feature in self.features],
            "rules": [outcome.to_json() for outcome in self.rules],
            "checks": self.checks.model_dump(mode="json"),
        }

    def summary(self) -> str:
        """Every rule with what was observed, for a terminal."""
        lines = [f"{self.title}: {verdict_words(self.rules)}"]
        for outcome in self.rules:
            lines.append(f"  {outcome.status:<10} {outcome.rule}: {outcome.observed}")
            lines += _details(outcome)
        return "\n".join(lines)

    def raise_for_violations(self) -> None:
        """Nothing where all rules hold or are accepted.

        Raises:
            DataError: with what was found, what to do, and the config's line that accepts it.
        """
        if not self.failed:
            return
        lines = [f"{self.title}: {verdict_words(self.rules)}"]
        for outcome in self.failed:
            lines += [
                f"  {outcome.rule}: {outcome.observed} (required: {outcome.required})",
                *_details(outcome),
                f"    {COMPARISON_RULES[outcome.rule].remedy}",  # type: ignore[index]  # a key of it
            ]
        if self.current == NEW:
            lines.append("Nothing was merged: the raw set is as it was, the new data where it was.")
        raise DataError("\n".join([*lines, self.how_to_accept()]))

    def how_to_accept(self) -> str:
        """The line of the config that accepts what failed, beside what is accepted already."""
        names = ", ".join(
            dict.fromkeys([*self.checks.accept, *(rule.rule for rule in self.failed)])
        )
        names_closed = names.replace(" ", "")
        return (
            f"To accept it, write into the config\n  checks: {{accept: [{names}]}}\n"
            f"or add --set 'checks.accept=[{names_closed}]'; the split report and the cards name it"
        )


def verdict_words(rules: Sequence[RuleOutcome]) -> str:
    """``does not pass size-ratio; accepted: split-drift``."""
    named = {
        status: ", ".join(outcome.rule for outcome in rules if outcome.status == status)
        for status in ("failed", "accepted", "not tested")
    }
    parts = [f"does not pass {named['failed']}" if named["failed"] else "passes"]
    parts += [
        f"{status}: {named[status]}" for status in ("accepted", "not tested") if named[status]
    ]
    return "; ".join(parts)


def _details(outcome: RuleOutcome) -> list[str]:
    shown = [f"    {detail}" for detail in outcome.details[:DETAILS_SHOWN]]
    more = len(outcome.details) - DETAILS_SHOWN
    return [*shown, f"    … and {more:,} more"] if more > 0 else shown
