"""A document in Markdown with its pictures: as files, as one HTML page, in parts for a card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sparrow.reports.markdown import as_markdown, markdown_page

FIGURES = "figures"  # the folder of the pictures, beside the document
_PICTURE = re.compile(r"^!\[(.*)\]\(([\w./-]+)\)$", re.MULTILINE)


def picture_line(title: str, name: str) -> str:
    """The Markdown of a picture, a paragraph of its own."""
    return f"![{as_markdown(title)}]({name})"


def figure_name(title: str, suffix: str = ".png") -> str:
    """The file of a picture, from its title: ``Photo sizes`` -> ``figures/photo-sizes.png``."""
    return f"{FIGURES}/{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}{suffix}"


@dataclass(frozen=True, eq=False)
class Document:
    """A text with pictures.

    Attributes:
        title: of the browser's tab.
        markdown: CommonMark with tables; each picture is a line of its own (``picture_line``).
        files: PNG or JPEG by the name that ``markdown`` links.
    """

    title: str
    markdown: str
    files: Mapping[str, bytes]

    def page(self) -> str:
        """One HTML file that needs nothing else."""
        return markdown_page(self.title, self.markdown, {}, self.files)

    def write(self, folder: Path, stem: str) -> list[Path]:
        """Write ``stem.md`` with its pictures beside it, and ``stem.html``; the paths of both."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        paths = [folder / f"{stem}.md", folder / f"{stem}.html"]
        for path, text in zip(paths, (self.markdown, self.page()), strict=True):
            path.write_text(text, encoding="utf-8")
        return paths

    def parts(self) -> list[str | tuple[str, bytes]]:
        """Text and pictures in their order: Markdown, or (title, picture)."""
        parts: list[str | tuple[str, bytes]] = []
        begin = 0
        for match in _PICTURE.finditer(self.markdown):
            parts.append(self.markdown[begin : match.start()].strip())
            parts.append((re.sub(r"\\(.)", r"\1", match[1]), self.files[match[2]]))
            begin = match.end()
        parts.append(self.markdown[begin:].strip())
        return [part for part in parts if part]

    def text_alone(self, keep: Mapping[str, str] | None = None) -> str:
        """The Markdown without its pictures, but for those that ``keep`` renames."""
        names = keep or {}

        def shown(match: re.Match[str]) -> str:
            return f"![{match[1]}]({names[match[2]]})" if match[2] in names else ""

        return re.sub(r"\n{3,}", "\n\n", _PICTURE.sub(shown, self.markdown))
