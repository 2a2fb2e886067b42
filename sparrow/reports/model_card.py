"""The model card: what a version is, how good it is, what it is for and what it is not.

After Mitchell et al. 2019, "Model Cards for Model Reporting". All of it is written from values that
were measured or recorded; nothing is filled in by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from sparrow.class_nouns import listed, objects
from sparrow.data.split.evidence import known_authors, known_cameras, splits_words, takers_words
from sparrow.data.split.groups import count_groups, group_numbers
from sparrow.data.tables import Dataset
from sparrow.evaluation.count_check import CountCheck
from sparrow.evaluation.evaluate import Evaluation
from sparrow.inference.card_facts import UNREGISTERED
from sparrow.inference.model_folder import ModelInfo
from sparrow.reports.confusion_figure import CONFUSION
from sparrow.reports.credits import GENERATED, linked_attribution
from sparrow.reports.dataset_card import licence_summary
from sparrow.reports.document import FIGURES, Document, figure_name, picture_line
from sparrow.reports.evaluation_pictures import Example
from sparrow.reports.markdown import Markup, as_markdown, code, markdown_table
from sparrow.reports.model_card_classes import class_sections
from sparrow.reports.model_card_scores import (
    count_section,
    score_sections,
    slice_section,
    threshold_section,
)
from sparrow.reports.model_card_training import (
    TrainingFacts,
    in_and_out_section,
    training_section,
)
from sparrow.reports.quantization_words import quantization_words

EXAMPLE_PICTURE = f"{FIGURES}/example.jpg"


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
        trained: how the training went; None where only the folder is at hand.
        example: a test photo; None where none may be shown, and ``not_shown`` says why.
        curves: of training and evaluation, PNG by title.
    """

    info: ModelInfo
    evaluation: Evaluation
    count_check: CountCheck | None
    latency_ms: float
    at_once: int
    engine_mb: float
    dataset: Dataset
    trained: TrainingFacts | None = None
    example: Example | None = None
    not_shown: str = "No photo may be shown here."
    curves: Mapping[str, bytes] = field(default_factory=dict)


def model_card(facts: CardFacts) -> Document:
    """The card with its pictures; the same facts give the same text."""
    files = {figure_name(title): png for title, png in facts.curves.items()}
    if facts.example is not None:
        files[EXAMPLE_PICTURE] = facts.example.jpeg
    return Document(f"Model card: {facts.info.name}", _text(facts), files)


def _text(facts: CardFacts) -> str:
    return "\n\n".join(
        [
            f"# {as_markdown(facts.info.name)}",
            f"A detector that finds and counts {_what(facts.info)} in photos: boxes with their "
            "scores, the count, and an interval for it.",
            _at_a_glance(facts),
            *_example(facts),
            *score_sections(facts.evaluation),
            *class_sections(facts.info, facts.evaluation, facts.curves),
            *threshold_section(facts.info),
            *count_section(
                facts.info, facts.count_check, facts.dataset.subset("validation").images
            ),
            *slice_section(facts.evaluation),
            *in_and_out_section(facts.info),
            *training_section(facts.info, facts.trained, facts.dataset.subset("train")),
            *_curves(facts),
            *_use(facts),
            *_data(facts),
            *_loading(facts.info),
        ]
    ) + "\n"  # fmt: skip


def _at_a_glance(facts: CardFacts) -> str:
    info = facts.info
    evaluation, score = facts.evaluation, facts.evaluation.f_beta
    rows = [
        ("name", info.name),
        ("trained", info.trained_at),
        ("network", info.architecture),
        ("classes", ", ".join(info.class_names)),
        (
            "score",
            f"F{evaluation.beta:g} at IoU {evaluation.iou:g}: {score} on "
            f"{evaluation.n_photos:,} test photos in {evaluation.n_groups:,} groups",
        ),
        ("training photos", f"{len(facts.dataset.subset('train').images):,}"),
        ("most objects in a photo", info.max_objects or "not recorded"),
        ("operating threshold", f"{info.threshold:.3f}"),
        ("engine", f"ONNX, {facts.engine_mb:.0f} MB, no torch needed{quantization_words(info)}"),
        (
            "speed",
            f"{facts.latency_ms:.0f} ms a photo (median, from file to boxes, on one processor "
            f"thread, {facts.at_once} at a time, as served)",
        ),
        ("data version", code(info.data_version)),
        ("code", Markup(f"commit {code(info.git_commit)}")),
    ]
    head, rule, first, *rest = markdown_table(["", ""], rows).splitlines()
    return "\n".join([head, rule, first, UNREGISTERED, *rest])


def _example(facts: CardFacts) -> list[str]:
    """A photo with what was found in it, and whose it is."""
    if facts.example is None:
        return ["## An example", as_markdown(facts.not_shown)]
    return [
        "## An example",
        picture_line(
            "A test photo: detections with their scores, true boxes dashed", EXAMPLE_PICTURE
        ),
        linked_attribution(facts.example.photo, facts.example.changes),
    ]


def _curves(facts: CardFacts) -> list[str]:
    titles = [title for title in facts.curves if title != CONFUSION]
    lines = "\n".join(picture_line(title, figure_name(title)) for title in titles)
    return ["## Curves", lines] if lines else []


def _use(facts: CardFacts) -> list[str]:
    what = _what(facts.info)
    return [
        "## Intended use",
        f"Counting {what} in single photos whose use is allowed, where a person can look at the "
        "doubtful ones. The interval says which those are.",
        f"Not meant for: other things than {what}; telling individuals apart; adding up photos "
        "that show the same ones; decisions nobody checks.",
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
    if set(facts.dataset.images["source"]) == {GENERATED}:
        limits.append("All photos were drawn by a program: it knows drawings, not real photos.")
    known = [row for row in evaluation.slices.to_dict("records") if row["objects"] > 0]
    worst = min(known, key=lambda row: row["f_beta"], default=None)
    if worst is not None:
        limits.append(
            f"It is weakest on: {as_markdown(worst['slice'])} (F{evaluation.beta:g} "
            f"{worst['f_beta']:.3f} on {worst['photos']} photos)."
        )
    missed, true = evaluation.errors["missed"], int(evaluation.per_photo["n_true"].sum())
    what = as_markdown(objects(facts.info.class_names, facts.info.plurals))
    limits.append(f"It missed {missed} of {true} {what} in the test photos.")
    if facts.info.max_objects is not None:
        limits.append(f"It never finds more than {facts.info.max_objects} {what} in one photo.")
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
    # A column of noughts says nothing: who took the photos may be unknown.
    columns = ["split", "photos", "groups", "boxes", "authors", "other cameras"]
    shown = [n for n in range(len(columns)) if n < 4 or any(side[n] for side in sides)]
    rows = [[side[n] for n in shown] for side in sides]
    return [
        "## Data and licences",
        f"Data version `{facts.info.data_version}`. {as_markdown(splits_words(images))}",
        markdown_table([columns[n] for n in shown], rows),
        licence_summary(facts.dataset),
        "Each photo is its author's, under its own licence; the NOTICE that `sparrow export` "
        "writes names every one. Pictures in this card carry their attribution.",
    ]


def _loading(info: ModelInfo) -> list[str]:
    return [
        "## How to load it",
        "```bash\nsparrow count photo.jpg --model FOLDER      # the folder of this card\n"
        'sparrow promote VERSION --why "..."         # makes a registered version the champion\n'
        "```",
        "```python\nimport mlflow  # from the registry, as boxes in a table\n\n"
        f'model = mlflow.pyfunc.load_model("models:/{info.name}@champion")\n'
        'boxes = model.predict(["photo.jpg"])\n```',
    ]


def _what(info: ModelInfo) -> str:
    return as_markdown(listed(info.class_names, info.plurals))
