"""The model card: what a version is, how good it is, what it is for and what it is not.

After Mitchell et al. 2019, "Model Cards for Model Reporting". All of it is written from values that
were measured or recorded; nothing is filled in by hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from sparrow.data.split.evidence import known_authors, known_cameras, splits_words, takers_words
from sparrow.data.split.groups import MIN_GROUPS, count_groups, group_numbers
from sparrow.data.tables import Dataset
from sparrow.evaluation.calibration import CountCheck
from sparrow.evaluation.coco import SIZE_RANGES_PX
from sparrow.evaluation.evaluate import Evaluation
from sparrow.inference.model_folder import ModelInfo
from sparrow.reports.dataset_card import licence_summary
from sparrow.reports.markdown import Markup, as_markdown, code, markdown_table

DRAWN = "Generated"  # the source of drawn photos
MEANINGS = {
    "precision": "share of the detections that are birds",
    "recall": "share of the birds that are found",
    "ap50": "average precision at IoU 0.5 (COCO)",
    "ap50_95": "average precision over IoU 0.5 to 0.95 (COCO)",
    "count_mae": "birds per photo that the count is off by, on average",
    "count_bias": "birds per photo counted too many (below 0: too few)",
    "count_exact": "share of photos whose count is exact",
    "false_count_empty": "birds seen per photo that has none",
}


@dataclass(frozen=True, eq=False)
class CardFacts:
    """What the card is written from.

    Attributes:
        info: the version's ``model.json``.
        evaluation, count_check: on the test split.
        latency_ms: median of one photo, from its file to its boxes, on one processor thread while
            ``at_once`` photos are counted: as the service counts.
        engine_mb: size of the engine.
        dataset: all photos of the training, with their split and its groups.
    """

    info: ModelInfo
    evaluation: Evaluation
    count_check: CountCheck | None
    latency_ms: float
    at_once: int
    engine_mb: float
    dataset: Dataset


def model_card(facts: CardFacts) -> str:
    """The card as Markdown; the same facts give the same text."""
    return "\n\n".join(
        [
            f"# {facts.info.name}",
            f"A detector that finds and counts {_classes(facts.info)} in photos: boxes with their "
            "scores, the count, and an interval for it.",
            _at_a_glance(facts),
            *_scores(facts.evaluation),
            *_operating_point(facts.info),
            *_count(facts),
            *_slices(facts.evaluation),
            *_use(facts),
            *_data(facts),
            *_loading(facts.info),
        ]
    ) + "\n"  # fmt: skip


def _at_a_glance(facts: CardFacts) -> str:
    info = facts.info
    weights = info.config.get("model", {}).get("weights", "unknown")
    rows = [
        ("trained", info.trained_at),
        ("network", f"{info.architecture}, starting from: {weights}"),
        ("classes", ", ".join(info.class_names)),
        (
            "photo size",
            f"short side {info.min_side_px} px, long at most {info.max_side_px} px",
        ),
        ("operating threshold", f"{info.threshold:.3f}"),
        ("engine", f"ONNX, {facts.engine_mb:.0f} MB, no torch needed{_rounding(info)}"),
        (
            "speed",
            f"{facts.latency_ms:.0f} ms a photo (median, from file to boxes, on one processor "
            f"thread, {facts.at_once} at a time, as served)",
        ),
        ("data version", code(info.data_version)),
        ("code", Markup(f"commit {code(info.git_commit)}")),
    ]
    return markdown_table(["", ""], rows)


def _rounding(info: ModelInfo) -> str:
    """Which of the engine's layers compute in integers, and whether that was tried in vain."""
    parity = info.engine_parity
    layers, share = parity.get("integer_layers", 0.0), parity.get("integer_share")
    if layers:
        return (
            f"; its {layers:.0f} widest layers in 8-bit integers, which moved scores by "
            f"{parity['integer_median_score_difference']:.4f} (median)"
        )
    if share is not None:
        return f"; all in floating point: in integers only {share:.0%} of detections agreed"
    return ""


def _scores(evaluation: Evaluation) -> list[str]:
    rows = [
        (_measure(name, evaluation), _number(one.value), _interval(one.low, one.high))
        for name, one in evaluation.headline.items()
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
    ]


def _evidence(evaluation: Evaluation) -> str:
    plain = f"{evaluation.n_photos} test photos in {evaluation.n_groups} groups"
    return as_markdown(evaluation.evidence or plain)


def _thin(evaluation: Evaluation) -> str:
    if evaluation.n_groups >= MIN_GROUPS:
        return ""
    return f" Fewer than {MIN_GROUPS} groups are too few for the intervals to be relied on."


def _operating_point(info: ModelInfo) -> list[str]:
    equal = info.equal_recall
    kept = equal is not None and equal["threshold"] == info.threshold
    aim = "recall is the champion's" if kept else "F-beta is best"
    text = f"A box counts from score {info.threshold:.3f} up: there, on validation photos, {aim}."
    if equal is None:
        return ["## Operating threshold", text + " There was no champion to compare with."]
    found = (
        f"The champion of that day, version {equal['champion_version']}, found "
        f"{equal['recall']:.1%} of the birds in the same photos, with precision "
        f"{equal['champion_precision']:.3f}."
    )
    if equal["threshold"] is None:
        return ["## Operating threshold", f"{text} {found} This model never finds as many."]
    same = (
        f"This model finds as many from score {equal['threshold']:.3f} up, with precision "
        f"{equal['precision']:.3f}."
    )
    return ["## Operating threshold", f"{text} {found} {same}"]


def _count(facts: CardFacts) -> list[str]:
    check, values = facts.count_check, facts.info.count_model
    if check is None or values is None:
        return []
    photos, promised = values["photos"], values["confidence"]
    validation = facts.dataset.subset("validation").images
    groups = count_groups(group_numbers(validation)) if len(validation) else photos
    least, most = (
        2 * math.sqrt(promised * (1 - promised) / max(number, 1)) for number in (photos, groups)
    )
    return [
        "## The count and its interval",
        f"The interval is made to hold the true count of {promised:.0%} of the photos. On the "
        f"test photos it held {check.coverage:.1%}, and was {check.mean_width:.2f} birds wide on "
        f"average. Chances of being a bird are off by {check.reliability.error:.3f} (expected "
        f"calibration error). It was fitted on {photos} validation photos in {groups} groups, "
        f"which leaves the share open by {least:.0%} either way if photos of a group err "
        f"independently, by {most:.0%} if they err as one.",
    ]


def _slices(evaluation: Evaluation) -> list[str]:
    name = f"F{evaluation.beta:g}"
    rows = [
        (
            one["slice"], one["photos"], one["groups"], f"{one['f_beta']:.3f}",
            _interval(one["low"], one["high"]), f"{one['precision']:.3f}", f"{one['recall']:.3f}",
        )
        for one in evaluation.slices.to_dict("records")
    ]  # fmt: skip
    header = ["photos with", "how many", "groups", name, "interval", "precision", "recall"]
    return ["## Where it is strong and where it is weak", markdown_table(header, rows)]


def _use(facts: CardFacts) -> list[str]:
    what = _classes(facts.info)
    return [
        "## Intended use",
        f"Counting {what} in single photos whose use is allowed, where a person can look at the "
        "doubtful ones. The interval says which those are.",
        f"Not meant for: other things than {what}; telling individuals apart; adding up photos "
        "that show the same birds; decisions nobody checks.",
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(facts)),
    ]


def _limits(facts: CardFacts) -> list[str]:
    evaluation, train = facts.evaluation, facts.dataset.subset("train")
    sources = ", ".join(map(as_markdown, sorted(map(str, train.images["source"].unique()))))
    limits = [
        f"It learnt from {len(train.images)} photos of {takers_words(train.images)} "
        f"(source: {sources}). The scores hold for photos like these."
    ]
    if set(facts.dataset.images["source"]) == {DRAWN}:
        limits.append("All photos were drawn by a program: it knows drawings, not birds.")
    known = [one for one in evaluation.slices.to_dict("records") if one["birds"] > 0]
    worst = min(known, key=lambda one: one["f_beta"], default=None)
    if worst is not None:
        limits.append(
            f"It is weakest on: {as_markdown(worst['slice'])} (F{evaluation.beta:g} "
            f"{worst['f_beta']:.3f} on {worst['photos']} photos)."
        )
    missed, birds = evaluation.errors["missed"], int(evaluation.per_photo["n_true"].sum())
    limits.append(f"It missed {missed} of {birds} birds in the test photos.")
    return limits


def _data(facts: CardFacts) -> list[str]:
    images: pd.DataFrame = facts.dataset.images
    sides = [
        (
            side, len(part), count_groups(group_numbers(part)), int(part["n_boxes"].sum()),
            len(known_authors(part)), len(known_cameras(part)),
        )
        for side, part in images.groupby("split", sort=False)
    ]  # fmt: skip
    return [
        "## Data and licences",
        f"Data version `{facts.info.data_version}`. {as_markdown(splits_words(images))}",
        markdown_table(["side", "photos", "groups", "boxes", "authors", "other cameras"], sides),
        licence_summary(facts.dataset),
        "Each photo is its author's, under the licence it stands; the NOTICE that `sparrow export` "
        "writes names every one. Pictures in this card carry their attribution.",
    ]


def _loading(info: ModelInfo) -> list[str]:
    return [
        "## How to load it",
        "```bash\nsparrow count photo.jpg --model FOLDER      # the folder this card lies in\n"
        'sparrow promote VERSION --why "..."         # makes a registered version the champion\n'
        "```",
        "```python\nimport mlflow  # from the registry, as boxes in a table\n\n"
        f'model = mlflow.pyfunc.load_model("models:/{info.name}@champion")\n'
        'boxes = model.predict(["photo.jpg"])\n```',
    ]


def _measure(name: str, evaluation: Evaluation) -> str:
    if name in MEANINGS:
        return f"{name}: {MEANINGS[name]}"
    return f"F{evaluation.beta:g} at IoU {float(name.split('_iou')[1]) / 100:g}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _interval(low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"{low:.3f} to {high:.3f}"


def _classes(info: ModelInfo) -> str:
    return ", ".join(as_markdown(name.replace("_", " ")) + "s" for name in info.class_names)
