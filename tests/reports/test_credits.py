"""Attribution with links: to the photo's page and to its licence."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt

from sparrow.reports.credits import how_to_find, linked_attribution, photo_url

BY_SA = "Attribution-ShareAlike 2.0 Generic (CC BY-SA 2.0)"
PHOTO = {
    "image": "52089256535_d3b996ae78_w.jpg", "author": "Wildlife Terry", "source": "Flickr",
    "license": BY_SA,
}  # fmt: skip


def test_a_photo_of_flickr_is_found_by_its_number() -> None:
    assert photo_url(PHOTO) == "https://www.flickr.com/photo.gne?id=52089256535"
    assert photo_url({**PHOTO, "image": "IMG_0001.jpg"}) is None
    assert photo_url({**PHOTO, "source": "a friend"}) is None
    assert photo_url({**PHOTO, "source": "https://example.org/1"}) == "https://example.org/1"
    assert "photo.gne?id=NUMBER" in how_to_find("Flickr")
    assert "draw the same photos again" in how_to_find("Generated")
    assert "no address is recorded" in how_to_find("a friend")
    assert "no source is recorded" in how_to_find("unknown")


def test_the_line_links_photo_source_and_licence() -> None:
    html = MarkdownIt("js-default").render(linked_attribution(PHOTO, "modified: boxes drawn in"))
    assert html.count('href="https://www.flickr.com/photo.gne?id=52089256535"') == 2
    assert f'<a href="https://creativecommons.org/licenses/by-sa/2.0/">{BY_SA}</a>' in html
    assert "by Wildlife Terry" in html
    assert "modified: boxes drawn in" in html


def test_a_photo_of_which_nothing_is_recorded_is_by_nobody_called_unknown() -> None:
    nobody = {"image": "a_b.jpg", **dict.fromkeys(("author", "source", "license"), "unknown")}
    html = MarkdownIt("js-default").render(linked_attribution(nobody, "boxes drawn in"))
    expected = "Photo a_b.jpg: author, source and licence are unknown; boxes drawn in"
    assert html == f"<p>{expected}</p>\n"


class _Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.others: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.others.add(tag)
        for name, value in attributes:
            assert name == "href"
            self.addresses.append(str(value))


@pytest.mark.parametrize(
    "source", ["https://a.b/)[x](http://evil", "https://a.b/?q=(1)", 'https://a.b/"onload="x']
)
def test_an_address_cannot_leave_its_link(source: str) -> None:
    markdown = linked_attribution({**PHOTO, "source": source}, "m")
    links = _Links(MarkdownIt("js-default").render(markdown))
    hosts = [urlsplit(address).hostname for address in links.addresses]
    assert set(hosts) <= {"a.b", "creativecommons.org"}
    assert links.others == {"p"}
