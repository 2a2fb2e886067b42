"""A document is the same as Markdown with files, as one page, and in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sparrow.drawing.pictures import encode_png
from sparrow.reports.document import Document, figure_name, picture_line

PNG = encode_png(np.zeros((4, 4, 3), np.uint8))
NAME = figure_name("Photo sizes (px)")
TEXT = f"# Title\n\n{picture_line('Photo *sizes*', NAME)}\n\n## End\n"
DOCUMENT = Document("A title", TEXT, {NAME: PNG})


def test_a_text_without_pictures() -> None:
    plain = Document("t", "# Only text\n", {})
    assert plain.parts() == ["# Only text"]
    assert plain.text_alone() == "# Only text\n"
    assert "<h1>Only text</h1>" in plain.page()


def test_it_is_written_with_its_pictures(tmp_path: Path) -> None:
    markdown, page = DOCUMENT.write(tmp_path / "cards" / "..", "card")
    assert (tmp_path / "figures" / "photo-sizes-px.png").read_bytes() == PNG
    assert f"({NAME})" in markdown.read_text()
    assert 'src="data:image/png;base64,' in page.read_text()
    assert NAME not in page.read_text()  # needs nothing else


def test_its_parts_are_in_their_order() -> None:
    assert DOCUMENT.parts() == ["# Title", ("Photo *sizes*", PNG), "## End"]
    assert DOCUMENT.text_alone() == "# Title\n\n## End\n"
    kept = DOCUMENT.text_alone({NAME: "example.jpg"})
    assert "](example.jpg)" in kept
