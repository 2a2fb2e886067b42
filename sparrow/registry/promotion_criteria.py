"""The criteria of the promotion gate: each holds one number or set against its limit.

Absolute limits hold for every candidate. Against a champion the candidate must also be
significantly better on the same photos, count no worse, and lose in no slice. What each of several
classes must reach is in ``promotion_class_criteria``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sparrow.config import PromotionConfig
from sparrow.data.split.groups import MIN_GROUPS
from sparrow.evaluation.compare import Comparison, SliceChange
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.slices import CLASS


@dataclass(frozen=True)
class Criterion:
    """One condition: what is required, what the candidate has, and whether that is enough."""

    name: str
    required: str
    actual: str
    passed: bool


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model that may become champion.

    Attributes:
        evaluation: on all its classes.
        model_mb: size of the exported engine, ``engine.onnx``, in megabytes (10**6 bytes).
        latency_ms: median per photo as served (see ``Scored``); None: not measured.
    """

    evaluation: Evaluation
    model_mb: float
    latency_ms: float | None = None


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
        """The classes that only the champion counts."""
        return tuple(name for name in self.champion if name not in self.candidate)


def absolute_criteria(candidate: Candidate, config: PromotionConfig) -> list[Criterion]:
    """What holds for every candidate, with a champion or without."""
    evaluation, model_mb = candidate.evaluation, candidate.model_mb
    score, false = evaluation.f_beta.value, evaluation.headline["false_count_empty"].value
    return [
        Criterion(
            "score",
            f"F{evaluation.beta:g} at IoU {evaluation.iou:g} of at least {config.min_f_beta:g}",
            f"{score:.4f}",
            score >= config.min_f_beta,
        ),
        Criterion(
            "false detections",
            f"at most {config.max_false_count_empty:g} per photo without objects",
            "not measured: every photo has objects" if math.isnan(false) else f"{false:.3f}",
            math.isnan(false) or false <= config.max_false_count_empty,
        ),
        Criterion(
            "size",
            f"an engine of at most {config.max_model_mb:g} MB",
            f"{model_mb:.1f} MB",
            model_mb <= config.max_model_mb,
        ),
        _latency_criterion(candidate.latency_ms, config.max_latency_ms),
    ]


def relative_criteria(
    evaluation: Evaluation, comparison: Comparison, config: PromotionConfig
) -> list[Criterion]:
    """What the candidate must show against the champion, on the same photos."""
    return [
        _evidence_criterion(evaluation, comparison),
        _gain_criterion(comparison),
        _count_criterion(comparison),
        _slice_criterion(comparison, config.max_slice_loss),
    ]


def class_criterion(classes: ClassDifference) -> Criterion:
    """No class of the champion may be lost."""
    lost = f"; lost: {', '.join(classes.lost)}" if classes.lost else ""
    return Criterion(
        "no class lost",
        f"every class that the champion counts: {', '.join(classes.champion)}",
        f"{', '.join(classes.candidate)}{lost}",
        not classes.lost,
    )


def _latency_criterion(latency_ms: float | None, limit_ms: float | None) -> Criterion:
    limit = "no limit set"
    if limit_ms is not None:
        limit = f"at most {limit_ms:g} ms per photo, on one thread as served"
    return Criterion(
        "latency",
        limit,
        "not measured" if latency_ms is None else f"{latency_ms:.0f} ms",
        limit_ms is None or (latency_ms is not None and latency_ms <= limit_ms),
    )


def _evidence_criterion(evaluation: Evaluation, comparison: Comparison) -> Criterion:
    """Photos that err together count once: with few groups a large gain may be random."""
    photos = f"{comparison.n_photos} photos in {comparison.n_groups} groups"
    enough = comparison.n_groups >= MIN_GROUPS
    thin = "" if enough else "too thin to compare two models by: "
    return Criterion(
        "enough evidence",
        f"at least {MIN_GROUPS} independent groups of photos",
        f"{thin}{evaluation.evidence or photos}",
        enough,
    )


def _gain_criterion(comparison: Comparison) -> Criterion:
    return Criterion(
        "better than the champion",
        f"gain with a lower bound above 0 and p <= {comparison.p_limit:.3g}",
        f"{comparison.gain.value:+.4f}, lower bound {comparison.bound:+.4f}, "
        f"p = {comparison.p_value:.3f}",
        comparison.is_significant,
    )


def _count_criterion(comparison: Comparison) -> Criterion:
    change = comparison.count_mae_change.value
    # NaN (no interval) fails: what cannot be measured is not shown to be harmless.
    return Criterion(
        "count no worse",
        f"mean count error not shown to be larger, at confidence {comparison.confidence:g}",
        f"{change:+.3f} objects per photo, lower bound {comparison.count_mae_bound:+.3f}",
        comparison.count_mae_bound <= 0,
    )


def _slice_criterion(comparison: Comparison, max_loss: float) -> Criterion:
    parts = [part for part in comparison.slices if not part.name.startswith(CLASS)]
    actual, passed = losses(parts, max_loss, nothing="no slice large enough to look at")
    return Criterion("no slice worse", f"none loses {max_loss:g}", actual, passed)


def losses(parts: Sequence[SliceChange], max_loss: float, *, nothing: str) -> tuple[str, bool]:
    """The slices that prevent a promotion, else the worst one, else ``nothing``; if none does."""
    failed = [part for part in parts if loses(part, max_loss)]
    worst = min(parts, key=lambda part: part.change.value, default=None)
    if failed:
        return changes_in_words(failed), False
    return (f"worst is {worst.name}, {worst.change.value:+.3f}" if worst else nothing), True


def changes_in_words(parts: Sequence[SliceChange]) -> str:
    """Each change with its bounds."""
    return "; ".join(
        f"{part.name} {part.change.value:+.3f} ({part.change.low:+.3f} to {part.change.high:+.3f})"
        for part in parts
    )


def loses(part: SliceChange, max_loss: float) -> bool:
    """Whether a slice prevents the promotion.

    Where its photos could show a loss of ``max_loss`` (with power 0.8), the loss must be ruled out:
    lower bound above it. Smaller slices would fail at random, equal models included; they prevent
    it only with a significant loss that is that large.
    """
    if part.minimum_detectable_effect <= max_loss:
        return part.change.low < -max_loss
    return part.change.value < -max_loss and part.change.high < 0
