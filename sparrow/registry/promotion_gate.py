"""The gate: a pure function of two evaluations and the config; nothing is read, nothing moves.

Absolute bars hold for every candidate. Against a champion the candidate must also be shown better
on the same photos, count no worse, and lose nowhere what it wins on the whole.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from sparrow.config import PromotionConfig
from sparrow.data.split.groups import MIN_GROUPS
from sparrow.evaluation.compare import Comparison, SliceChange
from sparrow.evaluation.evaluate import Evaluation


@dataclass(frozen=True)
class Gate:
    """One condition: what was required, what was found, and whether that is enough."""

    name: str
    required: str
    actual: str
    passed: bool


@dataclass(frozen=True)
class PromotionDecision:
    """The verdict with its evidence.

    Attributes:
        promote: whether the candidate becomes champion.
        forced: promoted by a person's order although gates failed.
        reason: one sentence with numbers.
        gates: every condition looked at, passed or not.
    """

    promote: bool
    forced: bool
    reason: str
    gates: tuple[Gate, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "gates": [asdict(gate) for gate in self.gates]}


@dataclass(frozen=True)
class ClassDifference:
    """A champion that counts other classes than the candidate: what the two are compared on.

    Attributes:
        champion: the class names of the champion.
        candidate: those of the candidate.
        score: the candidate's evaluation on the classes that both know, as the champion's is; None
            where they share none, and nothing can be compared.
    """

    champion: tuple[str, ...]
    candidate: tuple[str, ...]
    score: Evaluation | None

    @property
    def shared(self) -> tuple[str, ...]:
        """The classes that both know, in the candidate's order."""
        return tuple(name for name in self.candidate if name in self.champion)

    @property
    def lost(self) -> tuple[str, ...]:
        """What only the champion counts."""
        return tuple(name for name in self.champion if name not in self.candidate)


def decide(
    candidate: Evaluation,
    champion: Evaluation | None,
    comparison: Comparison | None,
    model_mb: float,
    config: PromotionConfig,
    forced: bool = False,
    *,
    latency_ms: float | None = None,
    classes: ClassDifference | None = None,
) -> PromotionDecision:
    """Whether the candidate becomes champion.

    Args:
        candidate: on all its classes: what the absolute bars are held against.
        champion, comparison: both None when there is no champion, or none that can be compared:
            only the absolute bars count.
        model_mb: size of the exported engine, ``engine.onnx``, in megabytes (10**6 bytes).
        forced: promote whatever the gates say (``--production``); the decision records it.
        latency_ms: median per photo as served (see ``Scored``); None, not measured, passes only
            without a bar.
        classes: where the champion does not count the same classes. ``champion`` and ``comparison``
            are then about those that both know; a candidate that loses one is not promoted.

    Raises:
        ValueError: a champion without a comparison, or the other way round.
    """
    if (champion is None) != (comparison is None):
        raise ValueError(
            "expected a champion together with its comparison, or neither; "
            f"found {'no champion' if champion is None else 'no comparison'}"
        )
    gates = [*_absolute_bars(candidate, model_mb, latency_ms, config)]
    if classes is not None:
        gates.append(_class_gate(classes))
    if comparison is not None:
        gates += [
            _evidence_gate(candidate, comparison),
            _gain_gate(comparison),
            _count_gate(comparison),
            _slice_gate(comparison, config),
        ]
    failed = [gate for gate in gates if not gate.passed]
    return PromotionDecision(
        promote=forced or not failed,
        forced=forced and bool(failed),
        reason=_reason(
            _versus(candidate, champion, comparison, classes), comparison, failed, forced
        ),
        gates=tuple(gates),
    )


def _absolute_bars(
    candidate: Evaluation, model_mb: float, latency_ms: float | None, config: PromotionConfig
) -> list[Gate]:
    score, false = candidate.f_beta.value, candidate.headline["false_count_empty"].value
    gates = [
        Gate(
            "score",
            f"F{candidate.beta:g} at IoU {candidate.iou:g} of at least {config.min_f_beta:g}",
            f"{score:.4f}",
            score >= config.min_f_beta,
        ),
        Gate(
            "false birds",
            f"at most {config.max_false_count_empty:g} per photo without birds",
            "not measured: every photo has birds" if math.isnan(false) else f"{false:.3f}",
            math.isnan(false) or false <= config.max_false_count_empty,
        ),
        Gate(
            "size",
            f"an engine of at most {config.max_model_mb:g} MB",
            f"{model_mb:.1f} MB",
            model_mb <= config.max_model_mb,
        ),
    ]
    bar = config.max_latency_ms
    gates.append(
        Gate(
            "latency",
            "no bar set"
            if bar is None
            else f"at most {bar:g} ms per photo, on one thread as served",
            "not measured" if latency_ms is None else f"{latency_ms:.0f} ms",
            bar is None or (latency_ms is not None and latency_ms <= bar),
        )
    )
    return gates


def _evidence_gate(candidate: Evaluation, comparison: Comparison) -> Gate:
    """Photos that err together count once: with few groups even a sure-looking gain is chance."""
    found = f"{comparison.n_photos} photos in {comparison.n_groups} groups"
    enough = comparison.n_groups >= MIN_GROUPS
    thin = "" if enough else "too thin to compare two models by: "
    return Gate(
        "enough evidence",
        f"at least {MIN_GROUPS} independent groups of photos",
        f"{thin}{candidate.evidence or found}",
        enough,
    )


def _gain_gate(comparison: Comparison) -> Gate:
    return Gate(
        "better than the champion",
        f"gain with a lower bound above 0 and p <= {comparison.p_limit:.3g}",
        f"{comparison.gain.value:+.4f}, lower bound {comparison.bound:+.4f}, "
        f"p = {comparison.p_value:.3f}",
        comparison.is_significant,
    )


def _count_gate(comparison: Comparison) -> Gate:
    change = comparison.count_mae_change.value
    # NaN (no interval) fails: what cannot be measured is not shown to be harmless.
    return Gate(
        "count no worse",
        f"mean count error not shown to be larger, at confidence {comparison.confidence:g}",
        f"{change:+.3f} birds per photo, lower bound {comparison.count_mae_bound:+.3f}",
        comparison.count_mae_bound <= 0,
    )


def _slice_gate(comparison: Comparison, config: PromotionConfig) -> Gate:
    bad = [one for one in comparison.slices if _lost(one, config.max_slice_loss)]
    worst = min(comparison.slices, key=lambda one: one.change.value, default=None)
    if bad:
        actual = "; ".join(
            f"{one.name} {one.change.value:+.3f} ({one.change.low:+.3f} to {one.change.high:+.3f})"
            for one in bad
        )
    elif worst is None:
        actual = "no slice large enough to look at"
    else:
        actual = f"worst is {worst.name}, {worst.change.value:+.3f}"
    return Gate("no slice worse", f"none loses {config.max_slice_loss:g}", actual, not bad)


def _lost(one: SliceChange, max_loss: float) -> bool:
    """Whether a slice stands in the way.

    Where its photos could show a loss of ``max_loss`` (with power 0.8), the loss must be ruled out:
    lower bound above it. Smaller slices would fail by chance alone, equal models included; they
    stand in the way only with a loss that large and beyond doubt that it is one.
    """
    if one.smallest <= max_loss:
        return one.change.low < -max_loss
    return one.change.value < -max_loss and one.change.high < 0


def _class_gate(classes: ClassDifference) -> Gate:
    return Gate(
        "no class lost",
        f"every class that the champion counts: {', '.join(classes.champion)}",
        f"{', '.join(classes.candidate)}" + (
            f"; lost: {', '.join(classes.lost)}" if classes.lost else ""
        ),
        not classes.lost,
    )  # fmt: skip


def _versus(
    candidate: Evaluation,
    champion: Evaluation | None,
    comparison: Comparison | None,
    classes: ClassDifference | None,
) -> str:
    """Both scores in words, and what they are about."""
    name = f"F{candidate.beta:g}"
    if champion is not None and comparison is not None:
        ours = classes.score if classes is not None and classes.score is not None else candidate
        about = "" if classes is None else f", on {', '.join(classes.shared)} alone"
        return (
            f"{name} {ours.f_beta.value:.4f} against the champion's {champion.f_beta.value:.4f} on "
            f"the same {ours.n_photos} photos in {comparison.n_groups} groups{about}"
        )
    if classes is not None:
        return (
            f"{name} {candidate.f_beta.value:.4f}, not compared with the champion, which counts "
            f"{', '.join(classes.champion)}"
        )
    return f"{name} {candidate.f_beta.value:.4f}, no champion yet{_thin(candidate)}"


def _reason(versus: str, comparison: Comparison | None, failed: list[Gate], forced: bool) -> str:
    if not failed:
        return f"Promoted: {versus}; all gates passed."
    faults = "; ".join(
        f"{gate.name}: required {gate.required}, found {gate.actual}" for gate in failed
    )
    if forced:
        return f"Promoted by order although gates failed: {versus}; {faults}."
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
