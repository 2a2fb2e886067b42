"""Cards as pages: text of strangers stays text, tables stay tables, pictures travel inside."""

from __future__ import annotations

from sparrow.reports.markdown import markdown_page, markdown_table

PNG = b"\x89PNG\r\n\x1a\n"


def test_an_empty_card():
    page = markdown_page("nothing", "", {})
    assert page.startswith("<!doctype html>")
    assert "Pictures" not in page


def test_headings_tables_and_code_are_rendered():
    text = "# Card\n\n" + markdown_table(["a", "b"], [(1, 2)]) + "\n\n```python\nx = 1 < 2\n```\n"
    page = markdown_page("card", text, {})
    assert "<h1>Card</h1>" in page
    assert "<td>1</td>" in page
    assert "x = 1 &lt; 2" in page


def test_what_an_author_calls_himself_is_no_html():
    name = "<script>alert(1)</script>"
    page = markdown_page("card", markdown_table(["author"], [(name,)]), {name: PNG})
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 3  # the cell, the picture's title twice


def test_a_cell_cannot_break_out_of_its_row():
    lines = markdown_table(["name"], [("a|b\nc",)]).splitlines()
    assert lines == ["| name |", "|---|", "| a\\|b c |"]
    assert "<td>a|b c</td>" in markdown_page("card", "\n".join(lines), {})


def test_pictures_lie_in_the_page():
    page = markdown_page("card", "text", {"Counts": PNG})
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in page
    assert "<figcaption>Counts</figcaption>" in page
    assert "http" not in page
