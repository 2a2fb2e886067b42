"""The promotion gate: a pure function of evaluations and the config; nothing is read or moved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sparrow.config import PromotionConfig
from sparrow.data.split.groups import MIN_GROUPS
from sparrow.evaluation.compare import Comparison
from sparrow.evaluation.evaluate import Evaluation
from sparrow.registry.promotion_class_criteria import (
    NOT_JUDGED,
    every_class_found,
    no_class_worse,
    unjudged,
)
from sparrow.registry.promotion_criteria import (
    Candidate,
    ClassDifference,
    Criterion,
    absolute_criteria,
    class_criterion,
    relative_criteria,
)


@dataclass(frozen=True)
class PromotionDecision:
    """The verdict with its evidence.

    Attributes:
        promote: whether the candidate becomes champion.
        forced: promoted by a person's order although criteria failed.
        reason: one sentence with numbers.
        criteria: every condition looked at, passed or not.
    """

    promote: bool
    forced: bool
    reason: str
    criteria: tuple[Criterion, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the criteria are called gates in logs and reports."""
        values = asdict(self)
        values["gates"] = list(values.pop("criteria"))
        return values


@dataclass(frozen=True, eq=False)
class AgainstChampion:
    """The champion and the candidate on the same photos; all None where there is no champion.

    Attributes:
        champion, comparison: both None also where the two share no class: nothing is compared.
        classes: where the two do not count the same classes; ``champion`` and ``comparison`` are
            then about those that both know.

    Raises:
        ValueError: a champion without a comparison, or the other way round.
    """

    champion: Evaluation | None = None
    comparison: Comparison | None = None
    classes: ClassDifference | None = None

    def __post_init__(self) -> None:
        if (self.champion is None) != (self.comparison is None):
            raise ValueError(
                "expected a champion together with its comparison, or neither; "
                f"found {'no champion' if self.champion is None else 'no comparison'}"
            )


def decide(
    candidate: Candidate,
    against: AgainstChampion,
    config: PromotionConfig,
    forced: bool = False,
) -> PromotionDecision:
    """Whether the candidate becomes champion.

    Args:
        against: without a champion only the absolute limits count. A candidate that loses a class
            of the champion is not promoted.
        forced: promote even where criteria fail (``--production``); the decision records it.
    """
    criteria = absolute_criteria(candidate, config)
    criteria += every_class_found(candidate.evaluation, config)
    if against.classes is not None:
        criteria.append(class_criterion(against.classes))
    if against.comparison is not None:
        criteria += relative_criteria(candidate.evaluation, against.comparison, config)
        criteria += no_class_worse(against.comparison, config.max_slice_loss)
    failed = [criterion for criterion in criteria if not criterion.passed]
    return PromotionDecision(
        promote=forced or not failed,
        forced=forced and bool(failed),
        reason=_reason(_versus(candidate.evaluation, against), against.comparison, failed, forced),
        criteria=tuple(criteria),
    )


def _versus(candidate: Evaluation, against: AgainstChampion) -> str:
    """Both scores in words, what they are about, and what they say nothing about."""
    unknown = unjudged(candidate)
    return _scores(candidate, against) + (f" ({NOT_JUDGED}{', '.join(unknown)})" if unknown else "")


def _scores(candidate: Evaluation, against: AgainstChampion) -> str:
    name, classes = f"F{candidate.beta:g}", against.classes
    if against.champion is not None and against.comparison is not None:
        compared = candidate if classes is None or classes.score is None else classes.score
        about = "" if classes is None else f", on {', '.join(classes.shared)} alone"
        return (
            f"{name} {compared.f_beta.value:.4f} against the champion's "
            f"{against.champion.f_beta.value:.4f} on the same {compared.n_photos} photos in "
            f"{against.comparison.n_groups} groups{about}"
        )
    if classes is not None:
        return (
            f"{name} {candidate.f_beta.value:.4f}, not compared with the champion, which counts "
            f"{', '.join(classes.champion)}"
        )
    return f"{name} {candidate.f_beta.value:.4f}, no champion yet{_thin(candidate)}"


def _reason(
    versus: str, comparison: Comparison | None, failed: list[Criterion], forced: bool
) -> str:
    if not failed:
        return f"Promoted: {versus}; all criteria passed."
    faults = "; ".join(
        f"{criterion.name}: required {criterion.required}, found {criterion.actual}"
        for criterion in failed
    )
    if forced:
        return f"Promoted by order although criteria failed: {versus}; {faults}."
    hint = ""
    if (
        comparison is not None
        and not comparison.is_significant
        and comparison.minimum_detectable_effect > 0
    ):
        hint = f" This test set shows gains of {comparison.minimum_detectable_effect:.3f} and more."
    return f"Not promoted: {versus}; {faults}.{hint}"


def _thin(evaluation: Evaluation) -> str:
    if evaluation.n_groups >= MIN_GROUPS:
        return ""
    groups = "group" if evaluation.n_groups == 1 else "groups"
    return f" (thin evidence: {evaluation.n_groups} independent {groups} of photos)"
