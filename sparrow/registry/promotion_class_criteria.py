"""The promotion gate's criteria for each of several classes: a good mean must hide no bad class."""

from __future__ import annotations

from sparrow.config import PromotionConfig
from sparrow.evaluation.class_scores import ClassScores
from sparrow.evaluation.compare import Comparison
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.headline import score_name
from sparrow.evaluation.slices import CLASS
from sparrow.registry.promotion_criteria import Criterion, losses

NOT_JUDGED = "not judged, for no test photo shows it: "
SHOWN = 5  # classes named in a criterion's words


def every_class_found(evaluation: Evaluation, config: PromotionConfig) -> list[Criterion]:
    """Each class reaches the floor, on its value as the score of all does; none for one class.

    A class that no test photo shows is not judged, and does not reach a floor above 0: what was not
    measured is not shown to be good.
    """
    if not evaluation.classes:
        return []
    name, floor = score_name(evaluation.beta, evaluation.iou), config.min_class_f_beta
    judged = [scores for scores in evaluation.classes if scores.objects]
    unknown = unjudged(evaluation)
    below = [scores for scores in judged if scores.scores[name].value < floor]
    words = [_score_in_words(scores, name) for scores in below[:SHOWN]]
    words += [f"{len(below) - SHOWN} more"] if below[SHOWN:] else []
    if not below and judged:
        weakest = min(judged, key=lambda scores: scores.scores[name].value)
        words = [f"weakest is {_score_in_words(weakest, name)}"]
    if unknown:
        words.append(NOT_JUDGED + ", ".join(unknown))
    return [
        Criterion(
            "every class found",
            f"F{evaluation.beta:g} at IoU {evaluation.iou:g} of at least {floor:g} for each class",
            "; ".join(words),
            not below and (not unknown or floor == 0),
        )
    ]


def unjudged(evaluation: Evaluation) -> list[str]:
    """The classes that no test photo shows."""
    return [scores.name for scores in evaluation.classes if not scores.objects]


def no_class_worse(comparison: Comparison, max_loss: float) -> list[Criterion]:
    """No class may lose what no slice may; none where only one class is compared.

    Classes whose test photos are of one group cannot be compared, and are named.
    """
    changes = [change for change in comparison.slices if change.name.startswith(CLASS)]
    alone = comparison.lone_classes
    if not changes and not alone:
        return []
    actual, passed = losses(changes, max_loss, nothing="no class in two groups of photos")
    if alone:
        actual += f"; in fewer than two groups, so not compared: {', '.join(alone)}"
    return [Criterion("no class worse", f"none loses {max_loss:g}", actual, passed)]


def _score_in_words(scores: ClassScores, name: str) -> str:
    objects = "object" if scores.objects == 1 else "objects"
    photos = "photo" if scores.photos == 1 else "photos"
    return (
        f"{scores.name} {scores.scores[name].value:.3f} on {scores.objects:,} {objects} in "
        f"{scores.photos:,} {photos}"
    )
