import re
import subprocess
import sys

import jinja2
import pytest
from markupsafe import Markup

from sparrow.reports import templates
from sparrow.reports.glossary import GLOSSARY
from sparrow.reports.templates import cell, data_uri, grouped, render

JPEG = b"\xff\xd8\xff\xe0"


def macro(call, **values):
    text = '{% import "macros.html" as parts %}{{ parts.' + call + " }}"
    return templates._ENVIRONMENT.from_string(text).render(**values)


def rows(html):
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line) for line in html.split("<tr>")[1:]]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (float("nan"), "–"), ([], ""), (0.0, "0"), (1234.5, "1.23e+03"),
        (0.12345, "0.123"), (12345, 12345), ("a", "a"), ([1, 0.5, None], "1 · 0.5 · –"),
        (True, True),
    ],
)  # fmt: skip
def test_a_cell_shows_what_a_reader_needs(value, shown):
    assert cell(value) == shown


def test_thousands_are_apart():
    assert [grouped(0), grouped(12345)] == ["0", "12,345"]


def test_a_picture_is_in_the_page_with_its_kind():
    assert data_uri(b"\x89PNG\r") == "data:image/png;base64,iVBORw0="
    assert data_uri(JPEG) == "data:image/jpeg;base64,/9j/4A=="
    with pytest.raises(ValueError, match="PNG or JPEG"):
        data_uri(b"<svg/>")


def test_a_table_without_rows_is_its_header():
    assert rows(macro("table(['a', 'b'], [])")) == [["a", "b"]]
    assert rows(macro("table([], [])")) == []


def test_a_table_shows_each_cell_and_breaks_out_of_none():
    html = macro("table(header, rows)", header=["n", "<b>"], rows=[[2, "</td>"], [3, 0.5]])
    assert rows(html) == [["n", "&lt;b&gt;"], ["2", "&lt;/td&gt;"], ["3", "0.5"]]


def test_numbers_of_a_table_are_at_the_right():
    html = macro("table(['n', 'name', 'ok'], [[2, 'x', True]])")
    assert html.count('class="number"') == 2  # the number and its header, not the truth value
    assert '<th scope="col" class="number">n</th>' in html


def test_a_caption_is_text_in_its_place_and_in_the_alternative():
    html = macro("picture(image, '\"<i>', '90px')", image=JPEG)
    assert html.count("&#34;&lt;i&gt;") == 2
    assert 'src="data:image/jpeg;base64,/9j/4A=="' in html
    assert "<i>" not in html


def test_a_key_names_its_colour():
    assert (
        macro("key('#ffb000', 'a & b')")
        == '<span class="key" style="--key:#ffb000">a &amp; b</span>\n'
    )


def test_a_page_has_its_title_a_style_and_the_words_it_uses():
    html = render("base.html", title="<x>")
    assert "<title>&lt;x&gt;</title>" in html
    assert "color-scheme: light dark" in html
    assert 'name="viewport"' in html
    for word, meaning in GLOSSARY.items():
        assert f"<dt>{word}</dt><dd>{Markup.escape(meaning)}</dd>" in html


def test_a_page_loads_nothing_from_elsewhere():
    assert not re.findall(r"https?://|@import|<link|<script", render("base.html", title=""))


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="title"):
        render("base.html")
    with pytest.raises(jinja2.TemplateNotFound):
        render("none.html")


def test_the_glossary_has_one_line_a_word():
    assert len(GLOSSARY) >= 8
    for word, meaning in GLOSSARY.items():
        assert meaning.endswith("."), word
        assert "\n" not in meaning
        assert len(meaning) < 160, word
    assert list(GLOSSARY) == sorted(GLOSSARY, key=str.lower)


def test_templates_load_no_library_but_jinja():
    """The rule over the source says so; this asks the interpreter."""
    code = "import sys, sparrow.reports.templates; print(*{n.split('.')[0] for n in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "PIL", "matplotlib", "pydantic"} & set(run.stdout.split())
