"""Names, authors and licences are shown as they are: in Markdown, HTML, pictures and notices."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sparrow.config import DataConfig, make_config
from sparrow.data.checks.run import check_dataset
from sparrow.data.drift import compare_train_with_test
from sparrow.data.errors import DataError
from sparrow.data.feature_drift import evidently_pages
from sparrow.data.licences import attribution, notice
from sparrow.data.split.report import report_split
from sparrow.data.tables import Dataset
from sparrow.reports.data_pages import explore_html, split_report_html
from sparrow.reports.dataset_card import dataset_card, licence_summary
from sparrow.reports.markdown import as_markdown, code, markdown_page, markdown_table

NO_LIKENESS = make_config({"data": {"near_duplicate_bits": 0}})
STRANGE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[free photos](javascript:alert(1))",
    "![](http://tracker.example/x.png)",
    "a | b | c",
    "line\nbreak\r\n| 9 | 9 |",
    "# not a heading",
    "`code` *bold* __init__ ~~gone~~",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "back\\slash \\| \\",
    '" onmouseover="alert(1)',
    "</title></style></script><b>",
    "$x$ and $\\frac{1}{0$",
    "\x1b[2J\u202egpj",
    "<http://x.example>",
    "snake_case_name",
]


class Tags(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attributes]

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(text: str) -> str:
    """What a reader sees of it: one line, without what cannot be seen."""
    return "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))


@pytest.fixture
def dataset(config: DataConfig, photos: Any) -> Dataset:
    """Six photos on two sides; a test puts strange text where it wants."""
    checked = check_dataset(photos.write(), config).dataset
    sides = ["train", "test"] * 3
    return replace(checked, images=checked.images.assign(split=sides, author=list("abcdef")))


def with_text(dataset: Dataset, text: str) -> Dataset:
    boxes = dataset.boxes.assign(label=text)
    images = dataset.images.assign(author=text, license=text, source=text)
    return replace(dataset, images=images, boxes=boxes)


@pytest.mark.parametrize("text", STRANGE)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    for markdown in (f"by {as_markdown(text)} in May", markdown_table(["a"], [(text,)])):
        page = Tags(markdown_page("t", markdown, {}))
        assert shown(text) in page.text
        assert not {"script", "img", "a", "b", "i", "em", "strong", "s", "h1"} & set(page.tags)
        assert page.tags.count("td") <= 1
    assert "`" not in code("a`b")[1:-1]


def test_the_card_of_the_data_shows_it(dataset: Dataset) -> None:
    proof = report_split(dataset, 0)
    expected = Tags(
        markdown_page("t", dataset_card("x", with_text(dataset, "y"), proof).markdown, {})
    )
    for text in STRANGE:
        strange = with_text(dataset, text)
        found = Tags(markdown_page("t", dataset_card(text, strange, proof).markdown, {}))
        assert found.tags == expected.tags
        assert found.text.count(shown(text)) >= 4  # title, label, source, licence
        assert licence_summary(strange).count("\n") == 2


@pytest.mark.parametrize("first", [0, 5, 10])
def test_pages_show_it(dataset: Dataset, first: int) -> None:
    texts = STRANGE[first : first + 6]
    images = dataset.images.assign(author=texts, license=texts[::-1], source=texts)
    strange = replace(dataset, images=images)
    proof = {"seed": 0, "imbalance": 0.0, "kept_their_side": 0}
    for html in (
        split_report_html(report_split(strange, 0) | proof, strange),
        explore_html(strange),
    ):
        page = Tags(html)
        assert not {"script", "b", "i", "a"} & set(page.tags)
        assert not {"onerror", "onmouseover"} & set(page.attributes)
        for text in texts:
            assert shown(text)[:20] in " ".join(page.text.split())


def test_a_notice_and_an_attribution_stay_one_line_each(dataset: Dataset) -> None:
    lines = notice(with_text(dataset, "y")).count("\n")  # six authors under one licence
    for text in STRANGE:
        strange = with_text(dataset, text)
        assert notice(strange).count("\n") == lines
        assert attribution(strange.images.iloc[0], "boxes drawn").isprintable()


def test_evidentlys_pages_hold_no_tag_of_it(dataset: Dataset) -> None:
    rows, texts = range(80), [text for text in STRANGE if "<" in text]
    images = pd.concat([dataset.images.iloc[[0]]] * 80, ignore_index=True).assign(
        image=[f"{n}.png" for n in rows],
        split=["train" if n % 2 else "test" for n in rows],
        license=[texts[n // 2 % len(texts)] for n in rows],
        source=[texts[n // 5 % len(texts)] for n in rows],
        sha256=[f"{n:064x}" for n in rows],
        phash=[f"{n * 0x0123456789ABCDE:016x}" for n in rows],
        dhash=[f"{n * 0x0FEDCBA98765432:016x}" for n in rows],
    )
    many = Dataset(dataset.root, images, dataset.boxes.iloc[:0])
    tables = compare_train_with_test(many, NO_LIKENESS).tables
    html = evidently_pages(tables, 0.1)["photos"]
    assert "\u2039script\u203a" in html or r"\u2039script\u203a" in html
    assert not [text for text in texts if text in html]


def test_two_authors_whose_names_begin_alike_are_two(dataset: Dataset) -> None:
    long = "the same beginning of both names, "
    images = dataset.images.assign(author=[long + str(n) for n in range(6)])
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from sparrow.reports.data_figures import _objects_by_taker

    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    _objects_by_taker(axes, images)
    assert len({bar.get_y() for bar in axes.patches}) == 6


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\u202eb", "\udcff", "tab\tbed", "a\x07"])
def test_an_error_cannot_steer_a_terminal(tmp_path: Path, name: str) -> None:
    message = str(DataError(f"{tmp_path / name}: broken\nsecond line"))
    assert all(line.isprintable() for line in message.split("\n"))
    assert re.search(r"broken\nsecond line$", message)
