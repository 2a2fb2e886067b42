"""What the cards of ``train.py`` show. Each function fills the current step's card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cards.parts import DIGITS, Part, add, glossary, picture, pictures, table, text
from sparrow.class_nouns import objects
from sparrow.config import Config
from sparrow.reports.templates import cell

if TYPE_CHECKING:
    from sparrow.evaluation.count_check import CountCheck
    from sparrow.evaluation.evaluate import Evaluation
    from sparrow.evaluation.scored import Scored
    from sparrow.pipeline.release import Promotion
    from sparrow.reports.document import Document


def show_pictures(title: str, pngs: Mapping[str, bytes]) -> None:
    """PNG pictures under their titles."""
    add(text(f"# {title}"), *pictures(pngs))


def show_card(name: str, document: Document) -> None:
    """A document that is kept elsewhere too, as a card of its own of this step."""
    add(*document_parts(document), glossary(), card=name)


def document_parts(document: Document) -> list[Part]:
    """A document's text with its pictures in their places."""
    return [
        text(part) if isinstance(part, str) else picture(part[1], part[0])
        for part in document.parts()
    ]


def show_tuning(
    trials: Sequence[Mapping[str, object]],
    values: Mapping[str, object],
    pngs: Mapping[str, bytes],
) -> None:
    """The study: its trials as a table, the chosen values, its plots."""
    add(text("# Tuning"))
    if not trials:
        add(text("Switched off (`tuning.trials: 0`)."))
        return
    chosen = ", ".join(f"`{key}` = {cell(value, DIGITS)}" for key, value in values.items())
    names = list(dict.fromkeys(name for trial in trials for name in trial))
    rows = [[trial.get(name) for name in names] for trial in trials]
    add(text(f"Best of {len(trials)} trials: {chosen}"), table(names, rows), *pictures(pngs))


def show_evaluation(config: Config, scored: Scored, pngs: Mapping[str, bytes]) -> None:
    """Headline numbers with their intervals, the rest of the numbers, slices, curves, examples."""
    evaluation: Evaluation = scored.evaluation
    add(text("# On the test split"), headline_table(evaluation), text(_conditions(scored)))
    if scored.count_check is not None:
        add(text(_count_words(config, scored.count_check)))
    numbers = {**evaluation.errors, **evaluation.details}
    slices = evaluation.slices
    add(*_class_parts(evaluation))
    add(
        text("### Mistakes, and average precision by size"),
        table(["", ""], numbers.items()),
        text("### Slices"),
        table(list(slices.columns), slices.to_numpy().tolist()),
        *pictures(pngs),
    )


def _class_parts(evaluation: Evaluation) -> list[Part]:
    """A row for each of several classes, and which is found as which; nothing for one class."""
    if not evaluation.classes or evaluation.confusion is None:
        return []
    names = list(evaluation.classes[0].scores)
    rows = [
        [scores.name, scores.objects, *(str(scores.scores[name]) for name in names)]
        for scores in evaluation.classes
    ]
    confusion = evaluation.confusion
    cells = [
        [name, *counts]
        for name, counts in zip(confusion.names(), confusion.counts.tolist(), strict=True)
    ]
    return [
        text("### Class by class"),
        table(["class", "boxes", *names], rows),
        text("### Which class is found as which"),
        table(["is, found as", *confusion.names()], cells),
    ]


def headline_table(evaluation: Evaluation) -> Part:
    """A row for each number: value, low, high."""
    rows = [
        [name, score.value, score.low, score.high] for name, score in evaluation.headline.items()
    ]
    return table(["measure", "value", "low", "high"], rows)


def _conditions(scored: Scored) -> str:
    evaluation: Evaluation = scored.evaluation
    return (
        f"{evaluation.n_photos} photos in {evaluation.n_groups} groups; threshold "
        f"{evaluation.threshold:.3f} chosen on validation photos; intervals: "
        f"{evaluation.confidence:.0%} bootstrap over groups. {evaluation.evidence}. One photo "
        f"takes {scored.latency_ms:.0f} ms (median, file to boxes, on one processor thread, "
        f"{scored.at_once} at a time, as served)."
    )


def _count_words(config: Config, check: CountCheck) -> str:
    what = objects(config.data.classes, config.data.plurals)
    return (
        f"The count's interval has a nominal level of {config.evaluation.count_confidence:.0%}; "
        f"its coverage on these photos is {check.coverage:.1%}, and it is {check.mean_width:.2f} "
        f"{what} wide on average{_open(check)}. The probabilities of being right are off by "
        f"{check.reliability.error:.3f}."
    )


def _open(check: CountCheck) -> str:
    return f" where it is not open above ({check.minimums} photos)" if check.minimums else ""


def show_decision(promotion: Promotion) -> None:
    """Verdict of the gate, a row for each criterion."""
    decision = promotion.decision
    verdict = "Promoted" if decision["promote"] else "Not promoted"
    rows = [
        ["✓" if gate["passed"] else "✗", gate["name"], str(gate["required"]), str(gate["actual"])]
        for gate in decision["gates"]
    ]
    add(
        text(f"# {verdict}: version {promotion.version}"),
        text(decision["reason"]),
        table(["", "criterion", "required", "measured"], rows),
        glossary(),
    )


def show_report(document: Document, pngs: Mapping[str, bytes]) -> None:
    """The run in one page, and the pictures that the report has not."""
    shown = {title: png for title, png in pngs.items() if png not in document.files.values()}
    more = [text("## Worst mistakes"), *pictures(shown)] if shown else []
    add(*document_parts(document), *more, glossary())
