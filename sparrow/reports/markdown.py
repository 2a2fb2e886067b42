"""Markdown and pictures as one HTML file that needs nothing else: the cards of data and models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from markdown_it import MarkdownIt

from sparrow.plain_text import one_line
from sparrow.reports.templates import data_uri, render

# Signs with a meaning inside a line; an underscore within a word has none.
_MEANS_SOMETHING = re.compile(r"[\\`*\[\]<>&|~$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


def markdown_page(
    title: str,
    markdown: str,
    pictures: Mapping[str, bytes],
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """A page of the text, the pictures below it with their titles.

    Args:
        title: of the browser's tab.
        markdown: CommonMark with tables. HTML in it is shown as text: authors write their names
            themselves.
        pictures: PNG by title.
        files: pictures that the text itself links, by name: they are put into the page.
    """
    text = MarkdownIt("js-default").render(markdown)
    for name, content in files.items():
        text = text.replace(f'src="{name}"', f'src="{data_uri(content)}"')
    return render("card.html", title=title, text=text, pictures=pictures)


class Markup(str):
    """Markdown that is meant as such, for a cell of ``markdown_table``."""

    __slots__ = ()


def code(text: str) -> Markup:
    """A short text, such as a hash, in the type of code."""
    return Markup(f"`{one_line(text).replace('`', '')}`")


def as_markdown(text: str) -> str:
    """Text that others wrote (names, licences) for Markdown: shown as it is, on one line."""
    return _MEANS_SOMETHING.sub(r"\\\g<0>", one_line(" ".join(text.split())))


def markdown_table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table. What a cell holds is shown as it is, unless it is ``Markup``; it breaks out of
    neither cell nor row.
    """
    names = list(header)
    lines = [_line(names), "|" + "---|" * len(names), *(_line(row) for row in rows)]
    return "\n".join(lines)


def _line(cells: Iterable[object]) -> str:
    texts = (cell if isinstance(cell, Markup) else as_markdown(str(cell)) for cell in cells)
    return "| " + " | ".join(texts) + " |"
