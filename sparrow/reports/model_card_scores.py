"""What the model card says of how good a version is: scores, threshold, count, slices."""

from __future__ import annotations

import math

import pandas as pd

from sparrow.class_nouns import objects
from sparrow.data.split.groups import MIN_GROUPS, count_groups, group_numbers
from sparrow.evaluation.coco import SIZE_RANGES_PX
from sparrow.evaluation.count_check import CountCheck
from sparrow.evaluation.evaluate import OUT_OF_DISTRIBUTION, Evaluation
from sparrow.inference.model_folder import ModelInfo
from sparrow.reports.markdown import as_markdown, markdown_table

MEANINGS = {
    "precision": "fraction of the detections that are right",
    "recall": "fraction of the objects that are detected",
    "ap50": "average precision at IoU 0.5 (COCO)",
    "ap50_95": "average precision over IoU 0.5 to 0.95 (COCO)",
    "count_mae": "objects per photo that the count is off by, on average",
    "count_bias": "objects per photo counted too many (below 0: too few)",
    "count_exact": "fraction of photos whose count is exact",
    "false_count_empty": "objects counted per photo that has none",
}


def score_sections(evaluation: Evaluation) -> list[str]:
    """The measures with their intervals, by size of the boxes, and the kinds of mistakes."""
    rows = [
        (_measure(name, evaluation), _number(score.value), _interval(score.low, score.high))
        for name, score in evaluation.headline.items()
    ]
    sizes = [
        (size, _number(evaluation.details[f"ap_{size}"]), _number(evaluation.details[f"ar_{size}"]))
        for size in SIZE_RANGES_PX
    ]
    mistakes = {name: n for name, n in evaluation.errors.items() if name != "right"}
    kinds = ", ".join(f"{n} {name}" for name, n in mistakes.items())
    return [
        "## Scores",
        f"On photos that it was neither trained nor tuned on: {_evidence(evaluation)}. Intervals: "
        f"{evaluation.confidence:.0%}, bootstrap over the groups, because photos of one group err "
        f"together.{_thin(evaluation)}",
        markdown_table(["measure", "value", "interval"], rows),
        markdown_table(["boxes (COCO's sizes)", "AP50:95", "AR"], sizes),
        f"Of its detections {evaluation.errors['right']} are right. Mistakes: {kinds}.",
        *_minimums(evaluation),
        *_out_of_distribution(evaluation),
    ]


def _minimums(evaluation: Evaluation) -> list[str]:
    if not evaluation.minimum_counts:
        return []
    return [
        f"In {evaluation.minimum_counts} test photos it finds as many as it can: there may be "
        "more, and the measures of the count take these counts as they are."
    ]


def _out_of_distribution(evaluation: Evaluation) -> list[str]:
    flagged = evaluation.details.get(OUT_OF_DISTRIBUTION)
    if flagged is None:
        return []
    return [
        f"It flags {flagged:.0f} of {evaluation.n_photos} test photos as unlike those it learnt "
        "from; such a photo's count has no interval."
    ]


def _evidence(evaluation: Evaluation) -> str:
    plain = f"{evaluation.n_photos} test photos in {evaluation.n_groups} groups"
    return as_markdown(evaluation.evidence or plain)


def _thin(evaluation: Evaluation) -> str:
    if evaluation.n_groups >= MIN_GROUPS:
        return ""
    return f" Fewer than {MIN_GROUPS} groups are too few for the intervals to be relied on."


def threshold_section(info: ModelInfo) -> list[str]:
    """How the operating threshold was chosen, and what it costs at the champion's recall."""
    equal = info.equal_recall
    kept = equal is not None and equal["threshold"] == info.threshold
    aim = "recall is the champion's" if kept else "F-beta is best"
    text = f"A box counts from score {info.threshold:.3f} up: there, on validation photos, {aim}."
    if equal is None:
        return ["## Operating threshold", text + " There was no champion to compare with."]
    what = as_markdown(objects(info.class_names, info.plurals))
    champion = (
        f"The champion of that day, version {equal['champion_version']}, found "
        f"{equal['recall']:.1%} of the {what} in the same photos, with "
        f"precision {equal['champion_precision']:.3f}."
    )
    if equal["threshold"] is None:
        return ["## Operating threshold", f"{text} {champion} This model never finds as many."]
    same = (
        f"This model finds as many from score {equal['threshold']:.3f} up, with precision "
        f"{equal['precision']:.3f}."
    )
    return ["## Operating threshold", f"{text} {champion} {same}"]


def count_section(info: ModelInfo, check: CountCheck | None, validation: pd.DataFrame) -> list[str]:
    """How well the count's interval holds; empty for a version without one.

    Args:
        check: on the test split.
        validation: the photos that the interval was fitted on, with their groups.
    """
    values = info.count_model
    if check is None or values is None:
        return []
    photos, nominal, what = (
        values["photos"],
        values["confidence"],
        objects(info.class_names, info.plurals),
    )
    groups = count_groups(group_numbers(validation)) if len(validation) else photos
    least, most = (
        2 * math.sqrt(nominal * (1 - nominal) / max(number, 1)) for number in (photos, groups)
    )
    return [
        "## The count and its interval",
        f"The interval's nominal level is {nominal:.0%}: it is made to hold the true count of so "
        f"many photos. On the test photos it held {check.coverage:.1%} (its coverage), and was "
        f"{_width(check, what)}. The probability that a "
        f"detection is right is off by {check.reliability.error:.3f} (expected calibration "
        f"error). It was fitted on {photos} validation photos in {groups} groups, which leaves the "
        f"coverage uncertain by {least:.0%} either way if photos of a group err independently, by "
        f"{most:.0%} if they err as one.",
        *_coverage_by_kind(check),
    ]


def _coverage_by_kind(check: CountCheck) -> list[str]:
    rows = [(kind, photos, f"{held:.0%}") for kind, (photos, held) in check.by_kind.items()]
    if not rows:
        return []
    words = (
        "Its coverage by kind of photo. An interval that holds overall may hold less where photos "
        "are hard, and of few photos the share says little."
    )
    return [words, markdown_table(["photos with", "how many", "held"], rows)]


def _width(check: CountCheck, what: str) -> str:
    if check.minimums == check.photos:
        return "open above in all of them"
    wide = f"{check.mean_width:.2f} {as_markdown(what)} wide on average"
    return f"{wide}, and open above in {check.minimums} photos" if check.minimums else wide


def slice_section(evaluation: Evaluation) -> list[str]:
    """The scores of each slice of the test photos."""
    name = f"F{evaluation.beta:g}"
    rows = [
        (
            row["slice"], row["photos"], row["groups"], f"{row['f_beta']:.3f}",
            _interval(row["low"], row["high"]), f"{row['precision']:.3f}", f"{row['recall']:.3f}",
        )
        for row in evaluation.slices.to_dict("records")
    ]  # fmt: skip
    header = ["photos with", "how many", "groups", name, "interval", "precision", "recall"]
    return ["## Where it is strong and where it is weak", markdown_table(header, rows)]


def _measure(name: str, evaluation: Evaluation) -> str:
    if name in MEANINGS:
        return f"{name}: {MEANINGS[name]}"
    return f"F{evaluation.beta:g} at IoU {float(name.split('_iou')[1]) / 100:g}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _interval(low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
