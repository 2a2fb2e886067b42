"""The report of a run: what became of its model, and all that its card tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sparrow.inference.card_facts import UNREGISTERED, version_row
from sparrow.reports.document import Document
from sparrow.reports.markdown import as_markdown, markdown_table


def numbered_card(card: Document, version: int, state: str) -> Document:
    """The model card of a registered version: with its number, and what it is.

    Args:
        state: champion, previous or candidate.
    """
    return replace(
        card, markdown=card.markdown.replace(UNREGISTERED, version_row(str(version), state))
    )


def training_report(
    card: Document,
    facts: Iterable[tuple[str, object]],
    criteria: Sequence[Mapping[str, Any]],
    lines: Sequence[str],
) -> Document:
    """One document on a run.

    Args:
        card: of its model, numbered.
        facts: of the run, name and value.
        criteria: of the promotion gate, each with name, required, actual, passed.
        lines: the run in sentences.
    """
    title, _, story = card.markdown.partition("\n")
    parts = [
        f"# Training report: {title.removeprefix('# ')}",
        "\n".join(f"- {as_markdown(line)}" for line in lines),
        markdown_table(["", ""], facts),
        "## The promotion gate",
        _criteria_table(criteria),
        "## The model",
    ]
    return Document("Training report", "\n\n".join(parts) + "\n\n" + story.lstrip(), card.files)


def _criteria_table(criteria: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        ["yes" if row["passed"] else "no", *(row[key] for key in ("name", "required", "actual"))]
        for row in criteria
    ]
    return markdown_table(["met", "criterion", "required", "measured"], rows)
