"""Markdown and pictures as one HTML file that needs nothing else: the cards of data and models."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Mapping

from markdown_it import MarkdownIt

from sparrow.data.page import page

PICTURE_STYLE = (
    "<style>.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }"
    ".pictures figure { width: min(100%, 32rem); } .pictures img { width: 100%; }"
    "pre { background: #8881; padding: .7rem; overflow-x: auto; border-radius: 4px; }</style>"
)


def markdown_page(title: str, markdown: str, pictures: Mapping[str, bytes]) -> str:
    """A page of the text, the pictures below it with their titles.

    Args:
        title: of the browser's tab.
        markdown: CommonMark with tables. HTML in it is shown as text: authors write their names
            themselves.
        pictures: PNG by title.
    """
    text = MarkdownIt("js-default").render(markdown)
    parts = [PICTURE_STYLE, text]
    if pictures:
        figures = "".join(_figure(name, png) for name, png in pictures.items())
        parts.append(f'<h2>Pictures</h2><div class="pictures">{figures}</div>')
    return page(title, parts)


def markdown_table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table; what a cell holds can break out of neither cell nor row."""
    names = list(header)
    lines = [_line(names), "|" + "---|" * len(names), *(_line(row) for row in rows)]
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Text that stays text: a name in it makes no link, picture or heading."""
    return re.sub(r"([\\`*_\[\]<>|!])", r"\\\1", text)


def _line(cells: Iterable[object]) -> str:
    texts = (" ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(texts) + " |"


def _figure(title: str, png: bytes) -> str:
    text, data = html.escape(title), base64.b64encode(png).decode()
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )
