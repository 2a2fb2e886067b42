"""What the cards of ``train.py`` show. Each function fills the current step's card."""

from __future__ import annotations

from typing import Any

from metaflow import current
from metaflow.cards import Image, Markdown, Table

from sparrow.config import Config


def show_pictures(title: str, pictures: dict[str, bytes]) -> None:
    """PNG pictures under their titles."""
    current.card.append(Markdown(f"# {title}"))
    for name, png in pictures.items():
        current.card.append(Image(png, label=name))


def show_card(name: str, text: str, pictures: dict[str, bytes]) -> None:
    """A card that is kept elsewhere too, as a card of its own of this step."""
    own = current.card[name]
    own.append(Markdown(text))
    for title, png in pictures.items():
        own.append(Image(png, label=title))


def show_tuning(
    trials: list[dict[str, Any]], values: dict[str, Any], pictures: dict[str, bytes]
) -> None:
    """The study: its trials as a table, the chosen values, its plots."""
    current.card.append(Markdown("# Tuning"))
    if not trials:
        current.card.append(Markdown("Switched off (`tuning.trials: 0`)."))
        return
    chosen = ", ".join(f"`{key}` = {value:.4g}" if isinstance(value, float) else
                       f"`{key}` = {value}" for key, value in values.items())  # fmt: skip
    current.card.append(Markdown(f"Best of {len(trials)} trials: {chosen}"))
    names = list(dict.fromkeys(name for trial in trials for name in trial))
    rows = [[_short(trial.get(name)) for name in names] for trial in trials]
    current.card.append(Table(rows, headers=names))
    for name, png in pictures.items():
        current.card.append(Image(png, label=name))


def show_evaluation(config: Config, scored: Any, pictures: dict[str, bytes]) -> None:
    """Headline numbers with their intervals, the rest of the numbers, slices, curves, examples."""
    evaluation = scored.evaluation
    current.card.append(Markdown("# On the test split"))
    current.card.append(headline_table(evaluation))
    current.card.append(
        Markdown(
            f"{evaluation.n_photos} photos in {evaluation.n_groups} groups; threshold "
            f"{evaluation.threshold:.3f} chosen on validation photos; intervals: "
            f"{evaluation.confidence:.0%} bootstrap over groups. {evaluation.evidence}. One photo "
            f"takes {scored.latency_ms:.0f} ms (median, file to boxes, on one processor thread, "
            f"{scored.at_once} at a time, as served)."
        )
    )
    check = scored.count_check
    if check is not None:
        current.card.append(
            Markdown(
                f"The count's {config.evaluation.count_confidence:.0%} interval holds the true "
                f"count of {check.coverage:.1%} of these photos and is {check.mean_width:.2f} "
                f"birds wide on average; the chances are off by {check.reliability.error:.3f}."
            )
        )
    current.card.append(Markdown("### Mistakes, and average precision by size"))
    numbers = {**evaluation.errors, **evaluation.details}
    current.card.append(Table([[k, _short(v)] for k, v in numbers.items()], headers=["", ""]))
    slices = evaluation.slices
    current.card.append(Markdown("### Slices"))
    rows = [[_short(value) for value in row] for row in slices.to_numpy().tolist()]
    current.card.append(Table(rows, headers=list(slices.columns)))
    for name, png in pictures.items():
        current.card.append(Image(png, label=name))


def headline_table(evaluation: Any) -> Table:
    """One row a number: value, low, high."""
    rows = [
        [name, _short(one.value), _short(one.low), _short(one.high)]
        for name, one in evaluation.headline.items()
    ]
    return Table(rows, headers=["measure", "value", "low", "high"])


def show_decision(promotion: Any) -> None:
    """Verdict of the gate, each bar a row."""
    decision = promotion.decision
    verdict = "Promoted" if decision["promote"] else "Not promoted"
    current.card.append(Markdown(f"# {verdict}: version {promotion.version}"))
    current.card.append(Markdown(decision["reason"]))
    rows = [
        ["✓" if gate["passed"] else "✗", gate["name"], str(gate["required"]), str(gate["actual"])]
        for gate in decision["gates"]
    ]
    current.card.append(Table(rows, headers=["", "gate", "required", "found"]))


def show_report(title: str, lines: list[str], evaluation: Any, pictures: dict[str, bytes]) -> None:
    """The run in one page."""
    current.card.append(Markdown(f"# {title}"))
    current.card.append(Markdown("\n\n".join(lines)))
    current.card.append(headline_table(evaluation))
    for name, png in pictures.items():
        current.card.append(Image(png, label=name))


def _short(value: Any) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
