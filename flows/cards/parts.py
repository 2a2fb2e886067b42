"""What cards are made of: the one place that meets Metaflow's own card.

Pictures are PNG bytes; a cell of a table is text, a number or another part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from metaflow import current
from metaflow.cards import (
    Image,
    Markdown,
    MetaflowCardComponent,
    ProgressBar,
    Table,
    VegaChart,
)

from sparrow.reports.glossary import GLOSSARY
from sparrow.reports.templates import cell

Part: TypeAlias = MetaflowCardComponent
DIGITS = 4  # of a number in a table


def add(*parts: Part, card: str | None = None) -> None:
    """Append parts to a card of the current step: the one without a name, or a named one."""
    cards = current.card  # type: ignore[attr-defined]  # there in a step that has a card
    (cards if card is None else cards[card]).extend(parts)


def text(markdown: str) -> Part:
    """Words as Markdown."""
    return Markdown(markdown)


def picture(png: bytes, title: str) -> Part:
    """A picture under its title."""
    return Image(png, label=title)


def pictures(pngs: Mapping[str, bytes]) -> list[Part]:
    """Pictures by title."""
    return [picture(png, title) for title, png in pngs.items()]


def table(header: Sequence[str], rows: Iterable[Iterable[object]], digits: int = DIGITS) -> Part:
    """A table; floats have ``digits`` significant digits, None and NaN are a dash."""
    cells = [
        [value if isinstance(value, Part) else str(cell(value, digits)) for value in row]
        for row in rows
    ]
    return Table(cells, headers=list(header))


def progress_bar(maximum: int, label: str) -> Part:
    """A bar that ``update(done)`` moves."""
    return ProgressBar(max=maximum, label=label, value=0)


def chart(specification: Mapping[str, object]) -> Part:
    """A Vega-Lite chart that ``update(specification)`` draws anew."""
    return VegaChart(dict(specification))


def refresh(card: str) -> None:
    """Show what was added or updated while the step still runs."""
    current.card[card].refresh()  # type: ignore[attr-defined]  # as in ``add``


def glossary() -> Part:
    """The words that a reader may not know, for the end of a card."""
    lines = [f"- **{word}**: {meaning}" for word, meaning in GLOSSARY.items()]
    return Markdown("### Words used here\n" + "\n".join(lines))
