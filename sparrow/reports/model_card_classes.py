"""What the model card says of each of several classes, and of which is found as which."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sparrow.class_nouns import noun
from sparrow.data.split.groups import MIN_GROUPS
from sparrow.evaluation.bootstrap import Interval
from sparrow.evaluation.class_scores import ClassScores
from sparrow.evaluation.confusion import Confusion
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.headline import score_name
from sparrow.inference.model_folder import ModelInfo
from sparrow.reports.confusion_figure import CONFUSION
from sparrow.reports.document import figure_name, picture_line
from sparrow.reports.markdown import Markup, as_markdown, markdown_table

PAIRS = 5  # of classes named in a sentence
DETECTED = {"precision": "precision", "recall": "recall", "ap50": "AP50", "ap50_95": "AP50:95"}
COUNTED = {
    "count_mae": "off by",
    "count_bias": "too many",
    "count_exact": "exact",
    "false_count_empty": "in photos without",
}


def class_sections(
    info: ModelInfo, evaluation: Evaluation, curves: Mapping[str, bytes]
) -> list[str]:
    """How well each class is found and counted, and the confusion matrix; none for one class.

    Args:
        curves: pictures of the card by title; ``CONFUSION`` is shown here.
    """
    if not evaluation.classes or evaluation.confusion is None:
        return []
    score = score_name(evaluation.beta, evaluation.iou)
    names = {score: f"F{evaluation.beta:g}", **DETECTED}
    sizes = ["boxes", "photos", "groups"]
    detected = [
        (scores.name, scores.objects, scores.photos, scores.groups, *_cells(scores, names))
        for scores in evaluation.classes
    ]
    counted = [(scores.name, *_cells(scores, COUNTED)) for scores in evaluation.classes]
    picture = [picture_line(CONFUSION, figure_name(CONFUSION))] if CONFUSION in curves else []
    return [
        "## Class by class",
        f"On the same test photos, each class by itself.{_few(evaluation)}",
        markdown_table(["class", *sizes, *names.values()], detected),
        "The count of each class: by how many it is off in a photo, on average; by how many too "
        "many (below 0: too few); in which fraction of the photos it is exact; and how many are "
        "counted in a photo without any.",
        markdown_table(["class", *COUNTED.values()], counted),
        _pairs_in_words(evaluation.confusion, info),
        *picture,
    ]


def _cells(scores: ClassScores, names: Mapping[str, str]) -> list[str]:
    return [_cell(scores.scores[name]) for name in names]


def _cell(number: Interval) -> str:
    """The value, and its interval in one piece: a narrow column breaks between the two."""
    if math.isnan(number.value):
        return "–"
    value, _, interval = str(number).partition(" ")
    return Markup(f"{value} {interval.replace(' ', '&nbsp;')}".rstrip())


def _few(evaluation: Evaluation) -> str:
    """What the tables cannot tell."""
    unseen = [scores.name for scores in evaluation.classes if not scores.objects]
    few = [scores.name for scores in evaluation.classes if 0 < scores.groups < MIN_GROUPS]
    words = ""
    if unseen:
        words += f" No test photo shows {_named(unseen)}: whether it is found is not known."
    if few:
        words += f" In fewer than {MIN_GROUPS} groups of photos, which say little: {_named(few)}."
    return words


def _named(names: Sequence[str]) -> str:
    return as_markdown(", ".join(names))


def _pairs_in_words(confusion: Confusion, info: ModelInfo) -> str:
    pairs = confusion.pairs()
    how = (
        "Each box at or above the threshold goes to the object that it overlaps best, whatever its "
        "class, the surest box first."
    )
    if not pairs:
        return f"No object is found as one of another class. {how}"
    words = [
        f"{pair.count:,} of {pair.objects:,} {noun(pair.objects, pair.true, info.plurals)} as "
        f"{noun(1, pair.predicted)}"
        for pair in pairs[:PAIRS]
    ]
    more = f"; {len(pairs) - PAIRS} more pairs" if pairs[PAIRS:] else ""
    return f"Found as another class: {as_markdown('; '.join(words))}{more}. {how}"
